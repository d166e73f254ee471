import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { Id, isOwnVariable } from '#domain/common.ts';
import type { Reason } from '#domain/run-reason.ts';
import { CONTENT_MAX, FsPath } from '#domain/script.ts';
import { Tool } from '#domain/tool.ts';
import { deliveryOf, type RunSpec } from '#protocol/run-spec.ts';
import { codeOf, Failure } from '../failure.ts';
import { DockerPolicy, dockerRefusal } from './docker.ts';
import { EnvPattern, matches } from './env.ts';
import { GitPolicy, gitRefusal } from './git.ts';
import { K8sPolicy, k8sRefusal } from './k8s.ts';
import { localRefusal } from './local.ts';
import { MailPolicy } from './mail.ts';
import { AbsolutePath } from './paths.ts';
import { secretAllowed, SecretPattern } from './secrets.ts';
import { SignaturePolicy } from './signatures.ts';
import { SshPolicy, sshRefusal } from './ssh.ts';
import { TerraformPolicy } from './terraform.ts';
import { VaultPolicy } from './vault.ts';
import { WebhookPolicy, webhookRefusal } from './webhook.ts';

const POLICY_MAX_BYTES = 65_536;

/** What the operator of this host lets any hub do with it. What is left out is not allowed. */
export const Policy = z
	.strictObject({
		version: z.literal(1),
		projects: z.union([z.literal('all'), z.array(Id).max(1000)]).default([]),
		backends: z
			.array(z.enum(['local', 'docker', 'ssh', 'k8s', 'webhook', 'dummy']))
			.max(6)
			.default([]),
		tools: z.array(Tool).max(4).default([]),
		scripts: z
			.strictObject({ uploaded: z.boolean().default(false), data_root: AbsolutePath.nullable().default(null) })
			.prefault({}),
		git: GitPolicy.nullable().default(null),
		ssh: SshPolicy.nullable().default(null),
		docker: DockerPolicy.nullable().default(null),
		k8s: K8sPolicy.nullable().default(null),
		webhook: WebhookPolicy.nullable().default(null),
		/** Where the hub's mails may be passed on to; it is no backend. */
		mail: MailPolicy.nullable().default(null),
		/** Directories a job may name as its working directory, with all that is below them. */
		cwd: z.array(AbsolutePath).max(100).default([]),
		/** Variables a job may set, to a value or to the file of a secret. */
		env: z.array(EnvPattern).max(200).default([]),
		/** By project id: the references its jobs may use. */
		secrets: z
			.record(z.string().regex(/^[1-9]\d{0,9}$/, 'expected a project id'), z.array(SecretPattern).max(200))
			.default({}),
		/** Variables that secrets themselves may be handed over in, where a job asks for that; else they are files, or standard input. */
		secret_env: z.array(EnvPattern).max(200).default([]),
		vault: VaultPolicy.nullable().default(null),
		terraform: TerraformPolicy.prefault({}),
		signatures: SignaturePolicy.nullable().default(null),
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
	.refine((p) => p.ssh !== null || !p.backends.includes('ssh'), {
		path: ['ssh'],
		message: 'is needed where backends name ssh: which hosts, and who vouches for their keys',
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

	const message = backendRefusal(execution, policy);
	if (message !== null) return refused(message);

	const set = 'env' in execution.config ? Object.keys(execution.config.env ?? {}) : [];
	const twice = set.find((name) => Object.hasOwn(spec.secrets, name));
	if (twice !== undefined) return refused(`does not let ${twice} be both a value and a secret`);
	for (const name of [...set, ...Object.keys(spec.secrets)]) {
		if (isOwnVariable(name)) return refused(`lets nobody set ${name}: it is the agent's own`);
		if (!policy.env.some((pattern) => matches(name, pattern)))
			return refused(`does not allow the variable ${name} (env)`);
	}
	for (const parameter of Object.keys(spec.secret_parameters ?? {})) {
		const deliver = deliveryOf(spec, parameter);
		if (deliver.as !== 'env') continue;
		const { variable } = deliver;
		if (set.includes(variable) || Object.hasOwn(spec.secrets, variable))
			return refused(`does not let ${variable} be both a value and a secret`);
		if (!policy.secret_env.some((pattern) => matches(variable, pattern)))
			return refused(`does not allow a secret in the variable ${variable} (secret_env)`);
	}
	for (const ref of [...Object.values(spec.secrets), ...Object.values(spec.secret_parameters ?? {}), ...keysOf(spec)])
		if (!secretAllowed(ref, spec.project_id, policy))
			return refused(`does not give project ${String(spec.project_id)} the secret ${ref} (secrets)`);
	return null;
}

/** References of what the agent itself, or its ansible, gets in with. */
const keysOf = ({ execution, inventory }: RunSpec): string[] =>
	[
		...(execution.backend === 'ssh' ? [execution.config.key_ref, execution.config.passphrase_ref] : []),
		...(execution.backend === 'k8s' ? [execution.config.kubeconfig_ref] : []),
		...(execution.backend === 'webhook' ? [execution.config.secret_ref] : []),
		inventory?.key_ref ?? undefined,
	].filter((ref) => ref !== undefined);

/** What the section of a run's backend has against it; null: nothing. */
function backendRefusal(execution: RunSpec['execution'], policy: Policy): string | null {
	switch (execution.backend) {
		case 'local':
			return localRefusal(execution.config, policy.cwd);
		case 'ssh':
			return sshRefusal(execution.config, policy.ssh);
		case 'docker':
			return dockerRefusal(execution.config, policy.docker);
		case 'k8s':
			return k8sRefusal(execution.config, policy.k8s);
		case 'webhook':
			return webhookRefusal(execution.config, policy.webhook);
		default:
			return null;
	}
}
