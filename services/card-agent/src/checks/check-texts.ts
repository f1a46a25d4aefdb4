import type { Text } from '../page/language.js';

/** The ten items, as the holder reads them; 1 to 5 are what an activation needs. */
export const ITEMS: Record<number, Text> = {
  1: ['讀卡元件及版本', 'The card agent and its version'],
  2: ['網站來源受信任', 'The page’s origin is trusted'],
  3: ['智慧卡服務', 'The smart card service'],
  4: ['讀卡機', 'A card reader'],
  5: ['卡片', 'A card of a known kind'],
  6: ['讀取卡號', 'The card number'],
  7: ['讀取簽章憑證及加密憑證', 'Both certificates'],
  8: ['憑證串鏈、有效期限及統一編號', 'Chain, dates and 統一編號'],
  9: ['PIN碼驗證', 'The PIN'],
  10: ['測試簽章', 'A test signature'],
};

/** What is wrong with certificates that could be read. */
export const CERTIFICATE_HINTS = {
  expired: [
    '憑證不在有效期限內，請重新申請憑證；並請確認電腦日期正確。',
    'A certificate is not valid today. Apply for a new one; check this computer’s date, too.',
  ],
  twoHolders: [
    '兩張憑證所載之用戶或統一編號不一致，請將卡片寄回管理中心檢測。',
    'The two certificates name different holders. Send the card in.',
  ],
  chain: [
    '憑證非由本管理中心簽發，請確認卡片是否正確。',
    'A certificate was not issued by this centre. Check that it is the right card.',
  ],
} satisfies Record<string, Text>;
