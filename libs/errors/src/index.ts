export { CaError, toProblem, type Problem } from './ca-error.js';
export { ERRORS, type ErrorCode, type ErrorKind } from './codes.js';
