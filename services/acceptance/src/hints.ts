/** What the holder of a card can do about a refusal, in both languages: `hint` of the problem, as agents give theirs. */
export const HINTS = {
  notAccepted: {
    zh: '此卡尚未開卡，請先辦理開卡作業，按「進行憑證接受」。',
    en: 'This card was not opened yet. Open it first: press 進行憑證接受.',
  },
  sendIn: {
    zh: '此卡已無法線上重設 PIN 碼，請將卡片連同說明單寄回管理中心解卡；解卡後將以掛號寄回。',
    en: 'The PIN of this card cannot be set online any more. Send the card to the centre with the slip; it is unlocked and returned by registered mail.',
  },
  defective: {
    zh: '卡片多次解卡未完成，應以故障卡處理，換發新卡。',
    en: 'Unlocking this card did not come to an end too often. Treat it as defective and issue another.',
  },
} as const;
