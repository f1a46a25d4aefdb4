export { hotlinesOf, hotlineSettings, type Hotline } from './hotlines.js';
export { ConfigError, readConfig, secretFile, seconds, port, flag, httpUrl } from './read-config.js';
