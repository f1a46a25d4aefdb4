import { ConfigError } from '#libs/config';

export interface PortalConfig {
  /** `KAIKA_HOTLINE_1`, `_2`, …, each `<where>=<number>`; shown on every page that reports an error. */
  hotlines: { where: string; number: string }[];
}

export function readPortalConfig(env: NodeJS.ProcessEnv): PortalConfig {
  const problems: { variable: string; problem: string }[] = [];
  const hotlines = Object.keys(env)
    .filter((name) => /^KAIKA_HOTLINE_\d+$/.test(name) && env[name])
    .sort((a, b) => Number(a.slice(14)) - Number(b.slice(14)))
    .flatMap((variable) => {
      const [, where, number] = /^([^=]{1,80})=([^=]{1,40})$/.exec(env[variable]!) ?? [];
      if (where && number) return [{ where: where.trim(), number: number.trim() }];
      problems.push({ variable, problem: 'must be <where>=<number>' });
      return [];
    });
  if (problems.length > 0) throw new ConfigError(problems);
  return { hotlines };
}
