export { ConfigError, readConfig, secretFile, seconds, port, flag, httpUrl } from './read-config.js';
