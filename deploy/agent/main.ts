import { makeKioskFolder } from './kiosk-folder.js';

/** `npm run build:agent [folder]`: the folder that is copied to kiosks; dist-agent unless it is named. */
const to = process.argv[2] ?? 'dist-agent';
const { files, packages } = makeKioskFolder(process.cwd(), to);
console.log(`${to}: ${files} files of the agent, ${packages.length} packages`);
