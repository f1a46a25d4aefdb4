/** One kind of error: what HTTP says of it, and the number the manuals' readers know (DOMAIN.md §5). */
export interface ErrorKind {
  readonly status: number;
  readonly title: string;
  /** The code of the centre's manuals, shown to the subscriber. */
  readonly legacyCode?: '3005' | '27011' | '3125' | '4931';
  /** The same request may be repeated with `confirmed: true` (the national-ID warning). */
  readonly confirmable?: true;
}

/** Every error this product names. The edge turns one into an RFC 9457 problem; nothing inside knows HTTP. */
export const ERRORS = {
  // requests
  attemptsLocked: { status: 403, title: 'Too many wrong attempts; an officer must open this again' },
  bodyTooLarge: { status: 413, title: 'The request body is too large' },
  conflict: { status: 409, title: 'The request does not fit the present state' },
  forbidden: { status: 403, title: 'This account may not do that' },
  identityUnavailable: { status: 503, title: 'The keys of the identity provider are not known here yet' },
  idempotencyKeyReused: { status: 422, title: 'This Idempotency-Key was used for another request' },
  internal: { status: 500, title: 'Something went wrong here' },
  invalidRequest: { status: 400, title: 'The request is not valid' },
  methodNotAllowed: { status: 405, title: 'This method is not offered here' },
  notFound: { status: 404, title: 'There is nothing here' },
  ownRequest: { status: 403, title: 'Another person must decide on this request' },
  requestDecided: { status: 409, title: 'This request has been decided already' },
  requestExpired: { status: 409, title: 'This request has expired; make a new one' },
  serviceUnavailable: { status: 503, title: 'This service does not answer now, please try again shortly' },
  starting: { status: 503, title: 'The services are starting' },
  tooBusy: { status: 503, title: 'Too many checks at once, please try again shortly' },
  tooManyAttempts: { status: 429, title: 'Too many attempts, please wait' },
  unauthorized: { status: 401, title: 'A valid bearer token is needed' },
  unsupportedMediaType: { status: 415, title: 'The body must be application/json' },

  // the life of a card
  cardAccepted: { status: 409, title: 'This card is accepted; there is no deadline any more' },
  cardExpired: { status: 409, title: 'The certificates of this card have expired' },
  cardHeld: { status: 409, title: 'This card is on hold' },
  cardNotActivatable: { status: 409, title: 'This card cannot be activated now' },
  cardNeedsCentre: {
    status: 409,
    title: 'The PIN of this card cannot be set here any more; send the card to the centre',
  },
  cardNotAccepted: { status: 409, title: 'The certificates of this card are not accepted yet; open the card first' },
  cardNotSuspended: { status: 409, title: 'This card was never suspended by its holder' },
  cardRevoked: { status: 409, title: 'This card is revoked; apply for a new one', legacyCode: '4931' },
  centreUnreachable: {
    status: 503,
    title: 'The centre did not receive the certificate data; press 進行憑證接受 again',
    legacyCode: '3125',
  },
  codeRefused: {
    status: 403,
    title: 'The user code, the card or the way of activation is not right',
    legacyCode: '3005',
  },
  oneTimeCodeRefused: { status: 403, title: 'The one-time code is not right' },
  unknownCard: { status: 404, title: 'No such card' },

  // applications
  applicationNotPending: { status: 409, title: 'This application has been decided already' },
  nationalIdUnusual: { status: 422, title: 'This national ID is unusual; confirm that it is right', confirmable: true },
  officeKeyUnknown: { status: 403, title: 'This key is not registered for this registration office' },
  officeSignatureWrong: { status: 403, title: 'The registration office’s signature does not verify' },
  primaryCardMissing: { status: 409, title: 'A secondary card needs an issued primary card of the same 統一編號' },
  stockEmpty: { status: 409, title: 'There is no blank card in stock' },

  // card and agent
  cardBlocked: { status: 409, title: 'The card was used before activation and locked itself', legacyCode: '27011' },
  cardCommunication: { status: 502, title: 'The card did not answer as expected' },
  cardRemoved: { status: 409, title: 'The card was taken out' },
  hostNotAllowed: { status: 421, title: 'This agent answers to its own host name only' },
  jobRefused: { status: 403, title: 'This job is not for this card, session or agent' },
  managementKeyFixed: { status: 409, title: 'This kind of card takes no management key of ours' },
  managementKeyRefused: { status: 409, title: 'The card refused the management key' },
  noCard: { status: 409, title: 'No card in the reader' },
  noReader: { status: 409, title: 'No card reader' },
  otherCard: { status: 409, title: 'This is not the card that was read' },
  originNotAllowed: { status: 403, title: 'This origin may not use the card agent' },
  pairingNeeded: { status: 401, title: 'This page is not paired with the card agent' },
  pairingRefused: { status: 403, title: 'The pairing code is not right' },
  pinFormat: { status: 422, title: 'The card does not take this PIN' },
  pinLastTry: { status: 409, title: 'One try is left for the PIN; nothing was sent to the card' },
  pinMismatch: { status: 422, title: 'The two PINs differ' },
  pinRefused: { status: 409, title: 'The card refused the PIN' },
  proofRefused: { status: 403, title: 'The card’s proof does not verify' },
  readerBusy: { status: 409, title: 'Another card session is in progress' },
  sessionExpired: { status: 410, title: 'This session is over; start again' },
  otherCardFamily: { status: 409, title: 'The card is of another family than its delivery' },
  severalCards: { status: 409, title: 'Several readers hold a card' },
  stationUnreachable: { status: 503, title: 'The station for cards does not answer' },
  unknownCardKind: { status: 409, title: 'This card is not one of ours (不明連接卡)' },
  wrongCardInStation: { status: 409, title: 'Another card lies in the station' },

  // certificates and lists
  authorityUnavailable: { status: 503, title: 'The authority’s keys or certificates cannot be read' },
  certificateLint: { status: 500, title: 'The certificate would break its profile' },
  certificateRequestInvalid: { status: 422, title: 'The certificate request is not valid' },
  certificateTooLarge: { status: 422, title: 'The certificate does not fit on the card' },
  crlMalformed: { status: 500, title: 'The revocation list is not what it should be' },
  crlNotReady: { status: 503, title: 'The first list is not published yet' },
  crlNumberRegression: { status: 500, title: 'The list’s number is not above the last published one' },
  crlSignature: { status: 500, title: 'The list’s signature does not verify' },
  crlUnexplained: { status: 500, title: 'The list differs from the status log' },
  cutInFuture: { status: 409, title: 'The log’s clock is before this cut' },
  cutPassed: { status: 409, title: 'A later cut is due; this one was never made' },
  publicationSuperseded: { status: 409, title: 'Another run has published already' },
  signerUnavailable: { status: 503, title: 'The signing key cannot be used' },
  subjectInvalid: { status: 422, title: 'The subject does not fit the profile' },

  // events
  eventMalformed: { status: 400, title: 'The event is not of its schema' },
  statusFeedAltered: { status: 500, title: 'A status row came twice with different contents' },
  statusFeedBroken: { status: 500, title: 'The status log’s chain does not hold' },
} satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;
