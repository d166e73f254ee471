import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { Id, Time } from '#domain/common.ts';
import type { Environment } from './command.ts';
import { Failure } from './failure.ts';

/** Who is signed in where. The token is as good as its person, within its scopes: nobody else may read the file. */
const Account = z.strictObject({
	hub: z.string(),
	/** It was accepted that this hub is spoken to without TLS. */
	insecure: z.boolean(),
	token: z.string(),
	/** Null for a token that was made elsewhere. */
	token_id: Id.nullable(),
	username: z.string().nullable(),
	expires_at: Time.nullable(),
});
export type Account = z.infer<typeof Account>;

export function configFile({ XDG_CONFIG_HOME: given, HOME }: Environment): string {
	const base = given && path.isAbsolute(given) ? given : path.join(HOME || os.homedir(), '.config');
	return path.join(base, 'uhub', 'config.json');
}

/** Null where nobody is signed in. Throws `Failure` where others could read the token. */
export async function readAccount(env: Environment): Promise<Account | null> {
	const file = configFile(env);
	const found = await stat(file).catch(() => null);
	if (found === null) return null;
	if (process.getuid && found.uid !== process.getuid()) throw new Failure(`${file} belongs to somebody else.`);
	if (process.getuid && (found.mode & 0o077) !== 0)
		throw new Failure(`Others can read ${file}. Sign in anew, and make it private: chmod 600 ${file}`);
	const account = Account.safeParse(parseJson(await readFile(file, 'utf8')));
	if (!account.success) throw new Failure(`${file} is damaged: remove it and sign in again.`);
	return account.data;
}

/** Makes sure, before anything is asked of a hub, that what it gives can be kept. */
export async function prepareConfig(env: Environment): Promise<void> {
	const dir = path.dirname(configFile(env));
	try {
		await mkdir(dir, { recursive: true, mode: 0o700 });
		await chmod(dir, 0o700);
	} catch (error) {
		throw new Failure(`The configuration cannot be kept: ${error instanceof Error ? error.message : String(error)}.`);
	}
}

/** Whole or not at all, and private from the first byte. */
export async function writeAccount(env: Environment, account: Account): Promise<void> {
	const file = configFile(env);
	const draft = `${file}.${String(process.pid)}.new`;
	await rm(draft, { force: true });
	await writeFile(draft, `${JSON.stringify(account, null, '\t')}\n`, { mode: 0o600, flag: 'wx' });
	await rename(draft, file);
}

export const removeAccount = (env: Environment): Promise<void> => rm(configFile(env), { force: true });

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
