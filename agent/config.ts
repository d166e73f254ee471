import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { Id } from '#domain/common.ts';
import { hubAddress } from '#domain/hub-address.ts';
import { Labels } from '#domain/labels.ts';
import { codeOf, Failure } from './failure.ts';
import { writeWhole } from './files.ts';

/** Where an agent keeps everything of its own, and what is where. */
export interface Home {
	dir: string;
	/** Tells this agent's directories and groups from those of others on the same host. */
	tag: string;
	config: string;
	key: string;
	policy: string;
	journal: string;
	status: string;
	spool: string;
	scripts: string;
	work: string;
	/** Terraform's: saved plans, and state that its configuration keeps nowhere else. */
	plans: string;
	state: string;
	/** What was started by a signature. */
	ledger: string;
	/** Which mails were passed on. */
	mails: string;
}

export function homeAt(dir: string | undefined): Home {
	const at = path.resolve(dir ?? process.env['UHUB_AGENT_HOME'] ?? path.join(os.homedir(), '.uhub-agent'));
	const inside = (name: string) => path.join(at, name);
	return {
		dir: at,
		tag: createHash('sha256').update(at).digest('hex').slice(0, 12),
		config: inside('agent.json'),
		key: inside('key.pem'),
		policy: inside('policy.yaml'),
		journal: inside('journal'),
		status: inside('status.json'),
		spool: inside('spool'),
		scripts: inside('scripts'),
		work: inside('work'),
		plans: inside('plans'),
		state: inside('state'),
		ledger: inside('ledger'),
		mails: inside('mails'),
	};
}

const AgentConfig = z.strictObject({
	hub: z.string(),
	/** The operator accepted, at enrolment, that this hub is spoken to without TLS. */
	insecure: z.boolean(),
	agent_id: Id,
	name: z.string(),
	labels: Labels,
	capacity: z.int().min(1).max(1000),
});
export type AgentConfig = z.infer<typeof AgentConfig>;

/** Makes the home directory if it is not there. Throws `Failure` where others could read it. */
export async function makeHome(home: Home): Promise<void> {
	try {
		await mkdir(home.dir, { recursive: true, mode: 0o700 });
		await checkPrivate(home.dir, 'directory');
	} catch (error) {
		if (error instanceof Failure) throw error;
		throw new Failure(`Cannot make the agent's directory ${home.dir}: ${codeOf(error) || String(error)}.`);
	}
}

/** Throws `Failure` unless the path is this user's own and nobody else may read it. */
export async function checkPrivate(file: string, what: 'directory' | 'key'): Promise<void> {
	const found = await stat(file);
	if (process.getuid && found.uid !== process.getuid())
		throw new Failure(
			`${file} belongs to another user (uid ${String(found.uid)}); the agent's ${what} must be its own.`,
		);
	if ((found.mode & 0o077) !== 0)
		throw new Failure(`Others can read ${file}. Make it private: chmod ${what === 'key' ? '600' : '700'} ${file}`);
}

export const isEnrolled = (home: Home): Promise<boolean> =>
	stat(home.config).then(
		() => true,
		() => false,
	);

export async function readConfig(home: Home): Promise<AgentConfig> {
	let text: string;
	try {
		text = await readFile(home.config, 'utf8');
	} catch (error) {
		if (codeOf(error) === 'ENOENT')
			throw new Failure(`There is no agent in ${home.dir}: enrol it first with "uhub-agent enroll".`);
		throw new Failure(`Cannot read ${home.config}: ${codeOf(error)}.`);
	}
	const parsed = AgentConfig.safeParse(parseJson(text));
	if (!parsed.success) throw new Failure(`${home.config} is damaged: ${z.prettifyError(parsed.error)}`);
	return parsed.data;
}

export const writeConfig = (home: Home, config: AgentConfig): Promise<void> =>
	writeWhole(home.config, `${JSON.stringify(config, null, '\t')}\n`);

/** The hub's address, without a path. Throws `Failure` for an address that would send the agent's words in the clear. */
export function hubUrl(text: string, insecure: boolean): URL {
	const found = hubAddress(text, insecure);
	if ('url' in found) return found.url;
	throw new Failure(
		found.wrong === 'address'
			? `"${text}" is not a hub's address: expected https://host, or http://127.0.0.1:port.`
			: `${found.origin} is not encrypted: whoever is in between could run commands here. Use https, or --insecure if you accept that.`,
	);
}

/** Undefined for what is not JSON. */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
