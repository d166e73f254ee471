import { z } from 'zod';
import { GitRevision, GitUrl } from '#domain/address.ts';
import { isRequest } from '#domain/backend.ts';
import {
	DockerConfig,
	K8sConfig,
	LocalConfig,
	ServerlessConfig,
	SshConfig,
	WebhookConfig,
} from '#domain/backend-config.ts';
import { EnvName, Id, Sha256 } from '#domain/common.ts';
import { Signature } from '#domain/job-signature.ts';
import { Arguments, Limit } from '#domain/job.ts';
import { ParametersSchema, type SecretDelivery, TARGET_HOSTS_MAX } from '#domain/parameter.ts';
import { ParameterValues, SecretParameters } from '#domain/parameter-values.ts';
import { FsPath } from '#domain/script.ts';
import { SecretRef } from '#domain/secret-ref.ts';
import { Tool } from '#domain/tool.ts';
import { TargetHost } from '#domain/target.ts';

/** The knobs of the executor that only tests use; an agent carries it out only where its policy names it. */
export const DummyConfig = z
	.strictObject({
		sleep_ms: z.int().min(0).max(3_600_000),
		exit_code: z.int().min(0).max(255),
		lines: z.int().min(0).max(1_000_000),
		fail_start: z.boolean(),
		fail_tail: z.boolean(),
	})
	.partial();

const SshSpec = SshConfig.omit({ hosts: true }).extend({
	hosts: z.array(TargetHost).min(1).max(TARGET_HOSTS_MAX),
});
/** How the hosts are reached, whichever they are. */
export const SshSetup = z.object(SshConfig.omit({ hosts: true }).shape);
export type SshSetup = z.infer<typeof SshSetup>;
const K8sSpec = K8sConfig.omit({ cluster: true }).extend({
	cluster: z.string().max(200),
	kubeconfig_ref: SecretRef,
	api_server_url: z.string().max(2048).nullable(),
});

/** Where it is carried out, with all that is needed for it. */
export const BackendSpec = z.discriminatedUnion('backend', [
	z.strictObject({ backend: z.literal('local'), config: LocalConfig }),
	z.strictObject({ backend: z.literal('docker'), config: DockerConfig }),
	z.strictObject({ backend: z.literal('ssh'), config: SshSpec }),
	z.strictObject({ backend: z.literal('k8s'), config: K8sSpec }),
	z.strictObject({ backend: z.literal('webhook'), config: WebhookConfig }),
	/** The hub's own: never sent to an agent. */
	z.strictObject({ backend: z.literal('serverless'), config: ServerlessConfig }),
	z.strictObject({ backend: z.literal('dummy'), config: DummyConfig }),
]);
export type BackendSpec = z.infer<typeof BackendSpec>;

const step = { name: z.string().max(200), tool: Tool, secret: SecretRef.nullable() };

/** One script of a run. Uploaded content is named by its hash and sent when the agent lacks it. */
export const Step = z.discriminatedUnion('location_type', [
	z.strictObject({ location_type: z.literal('uploaded'), ...step, sha256: Sha256, size: z.int().min(0) }),
	z.strictObject({ location_type: z.literal('fs_path'), ...step, path: z.string().max(1024) }),
	z.strictObject({
		location_type: z.literal('git'),
		...step,
		url: GitUrl,
		/** A branch, a tag or a commit. */
		revision: GitRevision,
		path: FsPath,
		credentials: SecretRef.nullable(),
	}),
]);
export type Step = z.infer<typeof Step>;

/** A document of the hub's beside the scripts, sent like one. */
export const Document = z.strictObject({ sha256: Sha256, size: z.int().min(0).max(1_048_576) });

/**
 * Everything an agent needs to know of a run. An unknown field is a reason to refuse it, so what came with protocol 2 is
 * left out where it is not used.
 */
export const RunSpec = z
	.strictObject({
		run_id: Id,
		job_id: Id,
		project_id: Id,
		project: z.string().max(200),
		environment: z.string().max(200).nullable(),
		title: z.string().max(400),
		execution: BackendSpec,
		/** None where it is a request to somebody else, who knows what to do. */
		steps: z.array(Step).max(20),
		parameters: ParameterValues,
		/** Secrets for the whole run, by the variable that names the file they are handed over in. */
		secrets: z.record(EnvName, SecretRef),
		timeout_s: z.int().min(1).max(604_800),
		/** Seconds between INT, TERM and KILL. */
		grace_s: z.int().min(0).max(600),
		/** What to do while the hub is out of reach. */
		on_partition: z.enum(['continue', 'stop']),

		parameters_schema: ParametersSchema.optional(),
		secret_parameters: SecretParameters.optional(),
		arguments: Arguments.optional(),
		/** For ansible: the inventory, and which part of it. */
		inventory: Document.extend({
			format: z.enum(['ini', 'yaml']),
			limit: Limit.nullable(),
			/** Of the private key that its hosts are reached with. */
			key_ref: SecretRef.nullable(),
		}).optional(),
		/** Which of the targets it is for; all of them where it is left out. */
		hosts: z.array(z.string().min(1).max(253)).min(1).max(TARGET_HOSTS_MAX).optional(),
		/** For ansible: say what would change. */
		check: z.boolean().optional(),
		/** For terraform: apply this saved plan; else make one. */
		apply_plan: Sha256.optional(),
		signature: Signature.optional(),
	})
	.refine(({ steps, execution }) => (steps.length === 0) === isRequest(execution.backend), {
		path: ['steps'],
		message: 'a request has none, and anything else has some',
	});
export type RunSpec = z.infer<typeof RunSpec>;

/** Whether its answer only says that it has begun. */
export const awaitsCallback = ({ execution: { config } }: Pick<RunSpec, 'execution'>): boolean =>
	'callback' in config && config.callback === true;

/** How a secret parameter reaches the scripts of a run. */
export function deliveryOf({ parameters_schema }: Pick<RunSpec, 'parameters_schema'>, name: string): SecretDelivery {
	const parameter = parameters_schema?.find((p) => p.name === name);
	return (parameter?.type === 'secret' && parameter.deliver) || { as: 'file' };
}

/**
 * What does not change from run to run: what a signature covers, and with the values what an approval covers. Pure, made by the
 * hub and again by the agent, from the very spec that is carried out.
 */
export const templateOf = (spec: RunSpec) => ({
	v: 1,
	project_id: spec.project_id,
	job_id: spec.job_id,
	environment: spec.environment,
	execution: spec.execution,
	steps: spec.steps,
	secrets: spec.secrets,
	parameters_schema: spec.parameters_schema ?? null,
	arguments: spec.arguments ?? [],
	inventory: spec.inventory ?? null,
	timeout_s: spec.timeout_s,
	grace_s: spec.grace_s,
	on_partition: spec.on_partition,
});
export type Template = ReturnType<typeof templateOf>;

/** What a run is bound to when it is asked for, and what people approve: the template and everything this run adds to it. */
export const requestOf = (spec: RunSpec) => ({
	template: templateOf(spec),
	parameters: spec.parameters,
	secret_parameters: spec.secret_parameters ?? {},
	hosts: spec.hosts ?? null,
	check: spec.check ?? false,
	apply_plan: spec.apply_plan ?? null,
});

/** JSON with its keys in order and without spaces: the same value is always the same text. */
export function canonical(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
	if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
	const entries = Object.entries(value)
		.filter(([, v]) => v !== undefined)
		.sort(([a], [b]) => (a < b ? -1 : 1));
	return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join(',')}}`;
}

/** What a signer signs. Each part is on a line of its own, and none can hold a line break. */
export const signedText = (s: { hub: string; serial: number; not_after: string | null; template: Template }): string =>
	['uhub-template-v1', s.hub, String(s.serial), s.not_after ?? '', canonical(s.template)].join('\n');
