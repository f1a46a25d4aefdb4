import type { Person } from './activation.js';

/** What the story knows of a card, and what the evidence says of it. */
export interface Card extends Person {
  cardNumber: string;
  serials: { sign: string; enc: string };
  finalStatus: string;
  /** The changes the status log must have of it in the end, each once. */
  history: string[];
}

const PIN = '24681357';
const none = () => ({ sign: '', enc: '' });

/** Fictitious companies and people; the numbers pass the checks and belong to nobody we know of. */
export function storyCards(): [Card, Card, Card, Card] {
  const card = (n: number, history: string[], rest: Partial<Card> = {}): Card => ({
    cardNumber: `MT0000000000000${n}`,
    way: 'A',
    userCode: `Kaika#202${n}`,
    pin: PIN,
    serials: none(),
    finalStatus: '',
    history,
    ...rest,
  });
  return [
    card(1, ['accepted', 'suspended', 'resumed']),
    card(2, ['accepted', 'revoked']),
    card(3, ['accepted', 'suspended', 'resumed'], {
      way: 'B',
      representative: { nationalId: 'A100000001', birthDate: '0760221' },
      email: 'chen@kaika-three.example',
    }),
    card(4, []),
  ];
}

const APPLICANTS: Record<number, { name: string; ubn: string; mail: string; person: string }> = {
  1: { name: '開卡測試股份有限公司', ubn: '12345675', mail: 'kaika-test.example', person: '林測試' },
  2: { name: '午夜清冊有限公司', ubn: '12345676', mail: 'kaika-two.example', person: '黃測試' },
  3: { name: '併案範例企業有限公司', ubn: '12345670', mail: 'kaika-three.example', person: '陳測試' },
  4: { name: '尚未啟用股份有限公司', ubn: '99999912', mail: 'kaika-four.example', person: '吳測試' },
};

const applicantOf = ({ cardNumber }: Card) => APPLICANTS[Number(cardNumber.at(-1))]!;

/** A self-application (way A): the user code is chosen with it. */
export function application(card: Card) {
  const { name, ubn, mail, person } = applicantOf(card);
  return {
    kind: 'company',
    name,
    ubn,
    certificateEmail: `ca@${mail}`,
    representative: { name: person },
    contact: { name: person, email: `contact@${mail}`, phone: '02-0000-0000', address: '臺北市測試路1號' },
    userCode: card.userCode,
  };
}

/** A combined application (way B), as a registration office pushes it with the approved registration. */
export function combinedApplication(card: Card) {
  const { name, ubn, mail, person } = applicantOf(card);
  return {
    registration: { caseNumber: '1150000003', kind: 'establishment' },
    kind: 'company',
    name,
    ubn,
    certificateEmail: `ca@${mail}`,
    representative: { name: person, ...card.representative },
    contact: { phone: '02-0000-0000', address: '臺北市測試路3號' },
  };
}
