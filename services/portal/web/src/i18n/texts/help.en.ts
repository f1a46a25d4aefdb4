export default {
  notes: 'Notes',
  about: {
    lead: 'A business certificate proves online who a company, branch, limited partnership or business is. Certificates and private keys are on an IC card.',
    worths: 'What they are good for',
    card: 'The card',
    cardText:
      'Each card has a signature certificate and an encryption certificate, each with a key and a serial of its own. Keys are made on the card, never leave it and are kept nowhere else: what was encrypted to a broken card is lost, so keep old cards.',
    life: 'Status of a certificate',
    statuses: {
      pending: 'issued, not accepted by its holder yet',
      valid: 'accepted and in use',
      suspended: 'suspended; may be resumed',
      revoked: 'revoked for good; apply for a new card',
      expired: 'past its last day',
    },
    system: 'About this system',
    systemText:
      'kaika (開卡, “opening the card”) is the open-source back office of such a centre, written to open standards. It is not MOEACA, and everything shown here is fictitious.',
  },
  qa: {
    lead: 'What goes wrong most often, and what to do.',
    questions: {
      '3005': 'Activation says “user code wrong: 3005”',
      '27011': 'Activation says 27011',
      noCard: 'No card is found in the reader, or the card cannot be initialised',
      '3125': 'The card was not activated: Error 3125 or 10011502',
      '4931': 'The card was not activated: RetCode=4931',
      unknownCard: 'The check of this computer says “unknown card”',
      noReaction: '“Read the card” does nothing, or “Please wait…” does not end',
      forgottenPin: 'The PIN is forgotten or the card is locked',
      checkSuspension: 'How do I see that suspending or resuming worked?',
      oldCard: 'May I throw the old card away when I have a new one?',
    },
    answers: {
      '3005':
        'The wrong way of activation was chosen, or the user code is wrong (capital and small letters differ). If you are sure of it, call a hotline; for the safety of your data somebody will check it with you.',
      '27011':
        'The card was used somewhere before it was activated. Make a slip, send the card in with it, and it comes back unlocked by registered mail.',
      noCard:
        'Check that card reader and card agent are installed, that items 1 to 5 of the check pass, and that the reader works: its light, another card.',
      '3125':
        'The centre did not receive the certificate data; the network may be busy. Press “Accept the certificates” again, several times if need be, or later.',
      '4931': 'The card is revoked. Apply for a new one.',
      unknownCard:
        'Check the reader’s driver and its light, and try another certificate card. If only one card cannot be read, send it in.',
      noReaction:
        'After 10 seconds the page says what it waits for; press “Cancel” and try again. Check this computer item by item, and say “Allow” when the browser asks about devices on this computer.',
      forgottenPin: 'For an activated card you can set a new PIN online with the card and the user code.',
      checkSuspension: 'The search shows the new status at once. The revocation list is published after midnight.',
      oldCard: 'Keep it: what was encrypted to its certificate can be opened with that card only.',
    },
  },
  statusGuide: {
    lead: 'How to see whether suspending or resuming a card worked.',
    steps: {
      open: 'Open “Certificate status”, then “Search and download certificates”.',
      choose: 'Search by one of company name, 統一編號, e-mail, card number, certificate serial.',
      look: 'Look at the status: “suspended” after suspending, “valid” after resuming.',
    },
    notes: {
      atOnce: 'The search shows a change at once.',
      list: 'The revocation list is published after midnight; until then search and list may differ, and that is as it should be.',
      words: 'While a hold of the centre or of a court stands, a resumed card stays suspended; the receipt says so.',
    },
  },
  listsGuide: {
    lead: 'How to fetch, compare and check a revocation list.',
    steps: {
      open: 'Open “Certificate status”, then “Revocation lists”.',
      download: 'Download the latest list, or an earlier one by its number.',
      digest: 'Compute the SHA-256 of the file and compare it with the page.',
      view: 'openssl crl -inform der -in complete.crl -noout -text shows what it says.',
      signature:
        'openssl crl -inform der -in complete.crl -CAfile ca.pem -noout checks its signature and must say verify OK.',
      find: 'Look for the serial; a suspended certificate has the reason Certificate Hold.',
    },
    notes: {
      suspended: 'A card that is suspended is on the list of the next midnight, for all services that check by it.',
      resumed: 'A card that is resumed is gone from the list of the next midnight.',
      between: 'A card that was suspended and resumed between two midnights is on no list.',
      next: 'Never use a list past its nextUpdate; fetch the next one.',
    },
  },
  api: {
    lead: 'Services check certificates by standard protocols without logging in; registration offices ask for access first.',
    open: 'Open to everybody',
    openOnes: {
      search: 'Search: the status of certificates by one criterion',
      certificate: 'Certificates: DER, PEM, PKCS#7',
      list: 'Revocation lists: each midnight, with conditional requests',
      ocsp: 'OCSP: the status now (RFC 6960)',
    },
    offices: 'Registration offices',
    officesText:
      'They push approved registrations as combined applications, signed with a registered key. Call a hotline for an account and to register the public key.',
    docs: 'API documentation',
    document: 'OpenAPI document (JSON)',
  },
  contact: {
    lead: 'If these pages do not help, call a hotline.',
    cards: 'Cards sent in',
    cardsText:
      'Make a slip first, which gives the case number, and send the card with it by registered mail; ask a hotline for the address.',
    never: 'Nobody at the centre will ever ask for your user code or PIN.',
  },
  downloads: {
    lead: 'What needs the card needs the card agent on this computer. No browser plug-in is needed.',
    agent: 'The card agent',
    agentText:
      'It runs on your computer and listens to this site alone. PINs are typed in its own window and never reach the site.',
    files: 'Files to download',
    file: 'File',
    size: 'Size',
    digest: 'SHA-256',
    bytes: '{{bytes}} bytes',
    none: 'This centre does not offer the card agent as a file here yet',
    noneHow: 'Ask a hotline for it; who looks after this computer can also install it from source, as below.',
    version: 'Version that runs now: {{version}}',
    install: 'How to install it',
    steps: {
      package: 'Install the driver of the card reader, and get the card agent.',
      settings: 'Name the sites that may use it, and the centre’s public key, as below.',
      start: 'Start it.',
      allow: 'Come back here, and say “Allow” when the browser asks about devices on this computer.',
    },
    others: 'Other downloads',
    list: 'Revocation list (DER)',
  },
  readers: {
    lead: 'Use a contact card reader that follows PC/SC.',
    which: 'What to look for',
    advice: {
      pcsc: 'PC/SC and CCID: such readers mostly work as soon as they are plugged in.',
      contact: 'It must be a contact reader: a PIN cannot be reset by a contactless one.',
      driver: 'Install the newest driver of its maker; install it again if an update of the system breaks it.',
      usb: 'Plug it into the computer itself, not into a hub without power of its own.',
    },
    systems: 'Systems',
    system: { windows: 'Windows', macos: 'macOS', linux: 'Linux' },
    systemText: {
      windows: 'Windows 10 and later; the smart card service is built in',
      macos: 'macOS 13 and later',
      linux: 'Distributions with pcscd, such as Debian 12 and later',
    },
    browsers: 'Browsers',
    browser: {
      chrome: 'Google Chrome',
      edge: 'Microsoft Edge',
      firefox: 'Mozilla Firefox',
      safari: 'Safari',
      phones: 'Phones and tablets',
    },
    browserText: {
      chrome: 'The last two versions. Say “Allow” when it asks about devices on this computer',
      edge: 'The last two versions; the same',
      firefox: 'The last two versions',
      safari:
        'For everything without a card; an https page cannot reach the card agent there, so use another browser for that',
      phones: 'For everything without a card: search, apply, suspend and resume, change the user code',
    },
  },
  check: {
    lead: 'Ten items, from the computer to the card; an activation needs items 1 to 5 (√). The check asks for no PIN.',
    start: 'Begin',
    waitsFor: 'the card agent, which checks the card',
    items: {
      1: 'The card agent and its version',
      2: 'The page’s origin is trusted',
      3: 'The smart card service',
      4: 'A card reader',
      5: 'A card of a known kind',
      6: 'The card number',
      7: 'Both certificates',
      8: 'Chain, dates and 統一編號',
      9: 'The PIN (if you like)',
      10: 'A test signature (if you like)',
    },
    results: { pass: 'passed', fail: 'failed', skipped: 'not reached', 'on-the-agents-page': 'not done yet' },
    canActivate: 'Items 1 to 5 pass: you can activate a card on this computer.',
    cannotActivate: 'Not all passed. Do what the hint says, then check again.',
    pinTitle: 'Items 9 and 10: PIN and test signature',
    pinText:
      'For activated cards only. The PIN is typed in the agent’s window, which shows how many tries are left and sends nothing with one left. Do not do this before the card is activated, or it locks itself.',
    pinStart: 'Check with the PIN',
    pinFailed: 'The PIN or the test signature did not pass.',
  },
};
