/** On every paper of a centre that there is not. */
export const FICTITIOUS =
  '本文件由開放原始碼軟體 kaika（開卡）之範例憑證管理中心產製；該中心係屬虛構，並非經濟部工商憑證管理中心，與其無任何隸屬關係，本文件不生任何法律效力。';
/** Where `printable` has named a character. */
export const BY_HAND = '標示〔U+…〕處為本系統無法列印之罕用字，請於該處以正楷手寫原字。';
