/**
 * oidc-provider uses `URL.parse` (WHATWG URL, Node 22.1). Node 20 has the same with an exception instead of null.
 */
const url = URL as { parse?: (input: string, base?: string) => URL | null };
url.parse ??= (input, base) => {
  try {
    return new URL(input, base);
  } catch {
    return null;
  }
};
