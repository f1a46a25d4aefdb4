import { z } from 'zod';
import { databaseSettings, databaseUrlOf, httpUrl, openConfig } from '#libs/config';

/** `DATABASE_URL`, `KAIKA_DATABASE_PASSWORD_FILE`: a superuser, or the database's owner with CREATEROLE. @throws ConfigError */
export const readAdminUrl = async (env: NodeJS.ProcessEnv): Promise<string> =>
  databaseUrlOf(await openConfig(z.object(databaseSettings), env));

/** `KAIKA_PUBLIC_URL` @throws ConfigError */
export const readPublicUrl = async (env: NodeJS.ProcessEnv): Promise<string> =>
  (await openConfig(z.object({ KAIKA_PUBLIC_URL: httpUrl() }), env)).KAIKA_PUBLIC_URL;
