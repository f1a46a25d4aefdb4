import { Guide } from './guide.js';

/** 憑證狀態查詢手冊: whether suspending or resuming worked (附註 3 of the manual). */
export const StatusHelp = () => (
  <Guide
    page="statusHelp"
    area="statusGuide"
    steps={['open', 'choose', 'look']}
    notes={['atOnce', 'list', 'words']}
    leadsTo="search"
  />
);
