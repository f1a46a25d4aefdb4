export { databaseSettings, databaseUrlOf, ownerSettings, ownerUrlOf, readPasswordFile } from './database-settings.js';
export { hotlinesOf, hotlineSettings, type Hotline } from './hotlines.js';
export { ConfigError, flag, httpUrl, logLevel, openConfig, opened, port, postgresUrl, readConfig, secretFile, seconds } from './read-config.js'; // prettier-ignore
