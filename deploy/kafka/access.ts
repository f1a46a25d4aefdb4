import { TOPICS } from '#libs/events';
import type { TopicAccess } from '#libs/messaging';

/** Who may write and read which topic; the same as in docs/EVENTS.md, and nothing more (access.spec.ts). */
export const TOPIC_ACCESS: TopicAccess = {
  [TOPICS.issuance]: { writers: ['issuance'], readers: ['acceptance', 'status-query', 'suspension'] },
  [TOPICS.acceptance]: { writers: ['acceptance'], readers: ['issuance'] },
  [TOPICS.status]: { writers: ['suspension'], readers: ['acceptance', 'crl-publisher', 'issuance', 'status-query'] },
  [TOPICS.credential]: { writers: ['acceptance', 'issuance'], readers: ['acceptance', 'issuance', 'suspension'] },
  [TOPICS.crl]: { writers: ['crl-publisher'], readers: ['suspension'] },
};
