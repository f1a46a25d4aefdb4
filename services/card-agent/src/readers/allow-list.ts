import { type CardConnection } from '#libs/piv';

/**
 * What a session at a kiosk may send, by what it is for:
 * - look: read, and let 9E prove the card; no PIN, no try;
 * - pin: VERIFY and CHANGE of the PIN too, and 9C, for what the holder typed on the agent's page;
 * - job: RESET RETRY COUNTER and CHANGE of the PUK too, for a job signed by the centre.
 */
export type Permission = 'look' | 'pin' | 'job';

const PIN = 0x80;
const PUK = 0x81;
const [SIGNATURE_KEY, CARD_KEY] = [0x9c, 0x9e];

type Rule = (p2: number, hasData: boolean) => boolean;
const always: Rule = () => true;

/** SELECT, GET RESPONSE, GET DATA, "how many tries", GENERAL AUTHENTICATE of 9E. */
const LOOK: Record<number, Rule> = {
  0xa4: always,
  0xc0: always,
  0xcb: always,
  0x20: (p2, hasData) => p2 === PIN && !hasData,
  0x87: (p2) => p2 === CARD_KEY,
};

const PIN_RULES: Record<number, Rule> = {
  ...LOOK,
  0x20: (p2) => p2 === PIN,
  0x24: (p2) => p2 === PIN,
  0x87: (p2) => p2 === CARD_KEY || p2 === SIGNATURE_KEY,
};

/** F7 asks some cards how many tries the PUK has left, so that its last is never used. */
const JOB_RULES: Record<number, Rule> = {
  ...PIN_RULES,
  0x24: (p2) => p2 === PIN || p2 === PUK,
  0x2c: (p2) => p2 === PIN,
  0xf7: (p2, hasData) => p2 === PUK && !hasData,
};

const RULES: Record<Permission, Record<number, Rule>> = { look: LOOK, pin: PIN_RULES, job: JOB_RULES };
/** Plain, and a link of a chain. */
const CLASSES = [0x00, 0x10];

/** Passes a kiosk's commands on and no other, whatever the code above asks for: writing a card needs the centre. */
export function kioskOnly(connection: CardConnection, permission: Permission): CardConnection {
  return {
    transmit: (apdu) => {
      const [cla = 0xff, ins = 0, , p2 = 0] = apdu;
      const allowed = CLASSES.includes(cla) && RULES[permission][ins]?.(p2, apdu.length > 5);
      if (!allowed) {
        const what = `INS ${ins.toString(16)} to ${p2.toString(16)}`;
        return Promise.reject(new Error(`a kiosk does not send ${what} in a session of kind ${permission}`));
      }
      return connection.transmit(apdu);
    },
    close: () => connection.close(),
  };
}
