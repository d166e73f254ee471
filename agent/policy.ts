import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { EnvName, Id } from '#domain/common.ts';
import type { Reason } from '#domain/run-reason.ts';
import { CONTENT_MAX, FsPath, Tool } from '#domain/script.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { codeOf, Failure } from './failure.ts';
import { GitPolicy, gitRefusal } from './policy/git.ts';
import { AbsolutePath } from './policy/paths.ts';
import { vaultMatches, VAULT_PATTERN, VaultPolicy } from './policy/vault.ts';

const POLICY_MAX_BYTES = 65_536;

/** A variable's name, or the beginning of one and a star: `APP_*`. */
const EnvPattern = EnvName.or(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}\*$/, 'expected NAME or PREFIX*'));
/** `env:NAME`, `env:PREFIX*`, `file:` and a directory (ends in /) or a file, or a path in Vault. */
const SecretPattern = z
	.string()
	.max(512)
	.regex(
		new RegExp(`^(env:[A-Za-z_][A-Za-z0-9_]{0,62}\\*?|file:/[^\\0\\n]{1,400}|${VAULT_PATTERN})$`),
		'expected env:NAME, env:PREFIX*, file:/path or vault:kv2/MOUNT/PATH/*',
	)
	.refine((p) => !p.split('/').includes('..'), 'must not hold ..');

/** What the operator of this host lets any hub do with it. What is left out is not allowed. */
export const Policy = z
	.strictObject({
		version: z.literal(1),
		projects: z.union([z.literal('all'), z.array(Id).max(1000)]).default([]),
		backends: z
			.array(z.enum(['local', 'dummy']))
			.max(2)
			.default([]),
		tools: z.array(Tool).max(4).default([]),
		scripts: z
			.strictObject({ uploaded: z.boolean().default(false), data_root: AbsolutePath.nullable().default(null) })
			.prefault({}),
		git: GitPolicy.nullable().default(null),
		/** Directories a job may name as its working directory, with all that is below them. */
		cwd: z.array(AbsolutePath).max(100).default([]),
		/** Variables a job may set, to a value or to the file of a secret. */
		env: z.array(EnvPattern).max(200).default([]),
		/** By project id: the references its jobs may use. */
		secrets: z
			.record(z.string().regex(/^[1-9]\d{0,9}$/, 'expected a project id'), z.array(SecretPattern).max(200))
			.default({}),
		vault: VaultPolicy.nullable().default(null),
		limits: z
			.strictObject({
				capacity: z.int().min(1).max(1000).default(1000),
				timeout_s: z.int().min(1).max(604_800).default(86_400),
			})
			.prefault({}),
		/** The user a job's processes become; only an agent that runs as root can do that. */
		run_as: z
			.strictObject({
				uid: z
					.int()
					.min(1)
					.max(2 ** 31),
				gid: z
					.int()
					.min(1)
					.max(2 ** 31),
			})
			.nullable()
			.default(null),
		/** Where each run gets its directory; by default in the agent's home, which another user cannot enter. */
		workspaces: AbsolutePath.nullable().default(null),
		partition: z
			.strictObject({
				mode: z.enum(['continue', 'stop']).default('continue'),
				/** Seconds without the hub after which a run that is to stop is stopped. */
				after_s: z.int().min(1).max(604_800).default(300),
			})
			.prefault({}),
		spool: z
			.strictObject({
				max_mib: z.int().min(16).max(1_048_576).default(2048),
				/** block: the script waits until there is room. gap: what does not fit is dropped, and the log says so. */
				when_full: z.enum(['block', 'gap']).default('block'),
			})
			.prefault({}),
	})
	.refine((p) => p.run_as === null || p.workspaces !== null, {
		path: ['workspaces'],
		message: 'is needed with run_as: a directory that user can reach',
	})
	.refine(
		(p) =>
			p.vault !== null ||
			!Object.values(p.secrets)
				.flat()
				.some((ref) => ref.startsWith('vault:')),
		{
			path: ['vault'],
			message: 'is needed where secrets name vault: references',
		},
	);
export type Policy = z.infer<typeof Policy>;

/** Reads a policy's text. Throws `Failure` that names what is wrong; a bound on size and aliases keeps a bomb from going off. */
export function parsePolicy(text: string, name = 'policy.yaml'): Policy {
	if (Buffer.byteLength(text) > POLICY_MAX_BYTES) throw new Failure(`${name} is larger than 64 KiB.`);
	let value: unknown;
	try {
		const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
		const [wrong] = [...document.errors, ...document.warnings];
		if (wrong) throw new Failure(`${name} is not valid YAML: ${wrong.message}`);
		value = document.toJS({ maxAliasCount: 10 });
	} catch (error) {
		if (error instanceof Failure) throw error;
		throw new Failure(`${name} cannot be read: its aliases or its depth go too far.`);
	}
	const parsed = Policy.safeParse(value ?? {});
	if (!parsed.success) throw new Failure(`${name} is not a policy:\n${z.prettifyError(parsed.error)}`);
	return parsed.data;
}

export async function readPolicy(file: string): Promise<Policy> {
	try {
		return parsePolicy(await readFile(file, 'utf8'), file);
	} catch (error) {
		if (error instanceof Failure) throw error;
		throw new Failure(`Cannot read the policy ${file}: ${codeOf(error)}. Without one nothing is allowed.`);
	}
}

/** Variables the agent sets itself: nobody else may, whatever the policy names. */
const OWN_ENV = /^(PATH|HOME|LANG|UHUB_.*)$/;

const MESSAGE_MAX = 500;
const refused = (message: string): Reason => ({
	code: 'refused_by_policy',
	message: `The agent's policy ${message}.`.slice(0, MESSAGE_MAX),
});

/** Which rule of the policy forbids the run; null when none does. Pure. */
export function checkPolicy(spec: RunSpec, policy: Policy): Reason | null {
	const { execution } = spec;
	if (policy.projects !== 'all' && !policy.projects.includes(spec.project_id))
		return refused(`does not name project ${String(spec.project_id)} (projects)`);
	if (!policy.backends.some((backend) => backend === execution.backend))
		return refused(`does not allow the backend ${execution.backend} (backends)`);
	if (spec.timeout_s > policy.limits.timeout_s)
		return refused(
			`allows ${String(policy.limits.timeout_s)} s at most, not ${String(spec.timeout_s)} s (limits.timeout_s)`,
		);

	for (const step of spec.steps) {
		if (!policy.tools.includes(step.tool)) return refused(`does not allow the tool ${step.tool} (tools)`);
		if (step.location_type === 'uploaded') {
			if (!policy.scripts.uploaded) return refused('does not allow uploaded scripts (scripts.uploaded)');
			if (step.size > CONTENT_MAX) return refused('takes scripts of at most 16 MiB');
		} else if (step.location_type === 'git') {
			const message = gitRefusal(step, policy.git);
			if (message !== null) return refused(message);
			if (step.credentials !== null && !secretAllowed(step.credentials, spec.project_id, policy))
				return refused(`does not give project ${String(spec.project_id)} the secret ${step.credentials} (secrets)`);
		} else {
			if (policy.scripts.data_root === null)
				return refused("does not allow scripts from the agent's disk (scripts.data_root)");
			if (!FsPath.safeParse(step.path).success)
				return refused('takes only paths under its data root, relative and without .. (scripts.data_root)');
		}
		if (step.secret !== null && !secretAllowed(step.secret, spec.project_id, policy))
			return refused(`does not give project ${String(spec.project_id)} the secret ${step.secret} (secrets)`);
	}

	const config = execution.backend === 'local' ? execution.config : {};
	if (config.cwd !== undefined && !policy.cwd.some((root) => isUnder(config.cwd ?? '', root)))
		return refused(`does not allow the working directory ${config.cwd} (cwd)`);

	const set = Object.keys(config.env ?? {});
	const twice = set.find((name) => Object.hasOwn(spec.secrets, name));
	if (twice !== undefined) return refused(`does not let ${twice} be both a value and a secret`);
	for (const name of [...set, ...Object.keys(spec.secrets)]) {
		if (OWN_ENV.test(name)) return refused(`lets nobody set ${name}: it is the agent's own`);
		if (!policy.env.some((pattern) => matches(name, pattern)))
			return refused(`does not allow the variable ${name} (env)`);
	}
	for (const ref of Object.values(spec.secrets))
		if (!secretAllowed(ref, spec.project_id, policy))
			return refused(`does not give project ${String(spec.project_id)} the secret ${ref} (secrets)`);
	return null;
}

const matches = (name: string, pattern: string): boolean =>
	pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

/** Whether an absolute path is a directory or below it, by its words alone; links are resolved where it is opened. */
export function isUnder(file: string, dir: string): boolean {
	if (file.includes('\0') || file.split('/').includes('..')) return false;
	const root = dir.endsWith('/') ? dir : `${dir}/`;
	return `${file}/`.startsWith(root);
}

/** Whether a project may use the reference, by its words alone. */
export function secretAllowed(ref: string, project_id: number, policy: Policy): boolean {
	const patterns = policy.secrets[String(project_id)] ?? [];
	return patterns.some((pattern) => {
		if (pattern.startsWith('file:') && ref.startsWith('file:'))
			return pattern.endsWith('/') ? isUnder(ref.slice(5), pattern.slice(5)) : ref === pattern;
		if (pattern.startsWith('vault:')) return vaultMatches(ref, pattern);
		return pattern.startsWith('env:') && matches(ref, pattern);
	});
}

/** The directories and files a project's `file:` references may lead to. */
export const secretRoots = (project_id: number, policy: Policy): string[] =>
	(policy.secrets[String(project_id)] ?? []).flatMap((p) => (p.startsWith('file:') ? [p.slice(5)] : []));

/** The policy a new agent gets: commented, and allowing nothing, or (`local`) uploaded shell scripts of every project. */
export const newPolicy = (
	local: boolean,
): string => `# What this agent may be asked to do. The hub cannot change this file; what it does not allow is refused.
# After a change: "uhub-agent policy check", then restart the agent. All of it is explained in docs/agent.md.
version: 1

# Projects it works for, by id: [1, 4], or all.
projects: ${local ? 'all' : '[]'}

# How: local (programs on this very host).
backends: ${local ? '[local]' : '[]'}

# With what: shell, custom (a program of its own).
tools: ${local ? '[shell, custom]' : '[]'}

scripts:
  # Scripts people typed or uploaded in the hub.
  uploaded: ${String(local)}
  # Scripts that lie on this host, under one directory they cannot leave.
  # data_root: /data

# Servers that scripts may be fetched from, over https or ssh (then known_hosts is needed too).
# git: { hosts: [git.example.com], known_hosts: /etc/uhub/known_hosts }

# Directories a job may name as its working directory.
cwd: []

# Variables a job may set; a star at the end stands for the rest: [APP_*].
env: []

# Secrets, by project id. They are resolved here and never reach the hub.
# secrets:
#   4: ['env:APP_*', 'file:/etc/uhub/secrets/app/', 'vault:kv2/apps/shop/*']
secrets: {}

# Where vault: references are looked up.
# vault:
#   address: https://vault.example:8200
#   auth: { approle: { role_id: 'file:/etc/uhub/role-id', secret_id: 'file:/etc/uhub/secret-id' } }

limits:
  # Seconds a run may last.
  timeout_s: 86400
  # Runs at the same time, whatever the hub says.
  # capacity: 4

# As root, jobs should become another user, who can then read neither this file nor the agent's key.
# run_as: { uid: 1001, gid: 1001 }
# workspaces: /var/lib/uhub-work

# While the hub cannot be reached, runs go on (continue) or are stopped after a time (stop).
partition: { mode: continue, after_s: 300 }

# Log lines wait here until the hub has them. When it is full: block (the script waits) or gap (lines are dropped, and the log says so).
spool: { max_mib: 2048, when_full: block }
`;
