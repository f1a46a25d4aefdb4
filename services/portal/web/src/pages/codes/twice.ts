/** A new user code is typed twice alike. */
export const twice = (typed: { newUserCode: string; newUserCodeAgain: string }): Record<string, string> =>
  typed.newUserCode === typed.newUserCodeAgain ? {} : { newUserCodeAgain: 'twice' };
