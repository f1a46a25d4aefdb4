import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { APP_CONNECTIONS, OWNER_CONNECTIONS } from './connections.js';

export interface Passwords {
  owner: string;
  app: string;
}

export interface ServiceUrls {
  /** May change the schema: migrations, tests and the operator's tools only. */
  ownerUrl: string;
  /** May read and write rows: what a running service gets. */
  appUrl: string;
}

export const schemaOf = (service: string): string => service.replaceAll('-', '_');
export const ownerRole = (schema: string): string => `kaika_${schema}_owner`;
export const appRole = (schema: string): string => `kaika_${schema}_app`;

/**
 * Gives one service its schema, owner role (DDL) and application role (DML). Idempotent; sets the passwords anew.
 * A service that must not change a table's rows revokes UPDATE and DELETE in the migration that creates it.
 *
 * @param adminUrl a superuser, or the owner of the database with CREATEROLE
 */
export async function provision(adminUrl: string, service: string, passwords: Passwords): Promise<ServiceUrls> {
  const schema = schemaOf(service);
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(schema)) throw new Error(`not a service name: ${service}`);
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query('begin');
    // Roles belong to the whole server: two provisioners must not trip over each other.
    await admin.query(`select pg_advisory_xact_lock(hashtextextended('kaika.provision', 0))`);
    await role(admin, ownerRole(schema), passwords.owner, OWNER_CONNECTIONS);
    await role(admin, appRole(schema), passwords.app, APP_CONNECTIONS);
    await admin.query(statements(schema, await databaseOf(admin)));
    await admin.query('commit');
  } finally {
    await admin.end();
  }
  return {
    ownerUrl: withUser(adminUrl, ownerRole(schema), passwords.owner),
    appUrl: withUser(adminUrl, appRole(schema), passwords.app),
  };
}

async function databaseOf(admin: Client): Promise<string> {
  const { rows } = await admin.query<{ name: string }>('select current_database() as name');
  return rows[0]!.name;
}

async function role(admin: Client, name: string, password: string, connections: number): Promise<void> {
  const { rowCount } = await admin.query('select 1 from pg_roles where rolname = $1', [name]);
  const id = escapeIdentifier(name);
  await admin.query(
    `${rowCount ? 'alter' : 'create'} role ${id} login nosuperuser nocreatedb nocreaterole
     connection limit ${connections} password ${escapeLiteral(password)}`,
  );
}

function statements(schemaName: string, databaseName: string): string {
  const [schema, database, owner, app] = [schemaName, databaseName, ownerRole(schemaName), appRole(schemaName)].map(
    (name) => escapeIdentifier(name),
  );
  return `
    revoke all on database ${database} from public;
    revoke all on schema public from public;
    grant connect on database ${database} to ${owner}, ${app};
    create schema if not exists ${schema};
    alter schema ${schema} owner to ${owner};
    grant usage on schema ${schema} to ${app};
    alter default privileges for role ${owner} in schema ${schema} grant select, insert, update, delete on tables to ${app};
    alter default privileges for role ${owner} in schema ${schema} grant usage, select on sequences to ${app};
    alter role ${owner} in database ${database} set search_path = ${schema};
    alter role ${app} in database ${database} set search_path = ${schema};
    alter role ${owner} in database ${database} set lock_timeout = '60s';
    alter role ${app} in database ${database} set statement_timeout = '30s';
    alter role ${app} in database ${database} set lock_timeout = '20s';
    alter role ${app} in database ${database} set idle_in_transaction_session_timeout = '60s';`;
}

function withUser(adminUrl: string, user: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = user;
  url.password = encodeURIComponent(password);
  return url.toString();
}
