import { Guide } from './guide.js';

/** 廢止清冊查詢手冊. */
export const ListsHelp = () => (
  <Guide
    page="listsHelp"
    area="listsGuide"
    steps={['open', 'download', 'digest', 'view', 'signature', 'find']}
    notes={['suspended', 'resumed', 'between', 'next']}
    leadsTo="lists"
  />
);
