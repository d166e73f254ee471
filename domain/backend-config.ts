import { z } from 'zod';
import type { Execution, ExecutionBackend } from './backend.ts';
import { HttpUrl } from './address.ts';
import { EnvName, Name } from './common.ts';
import { HubSecretRef } from './hub-secret.ts';
import { SecretRef } from './secret-ref.ts';
import { isAllowedAddress } from './webhook-address.ts';

const Env = z
	.record(EnvName, z.string().max(4096))
	.refine((env) => Object.keys(env).length <= 100, 'at most 100 variables');
const TimeoutS = z.int().min(1).max(3600);

/** A local run: child processes of the agent, in a directory of the run's own unless the agent's policy allows `cwd`. */
export const LocalConfig = z.strictObject({
	cwd: z.string().min(1).max(1024).startsWith('/', 'expected an absolute path').optional(),
	env: z.record(EnvName, z.string().max(4096)).optional(),
	limits: z
		.strictObject({
			/** Of processors, as many at most: 1.5 is one and a half. */
			cpus: z.number().min(0.05).max(512),
			memory_mib: z.int().min(16).max(1_048_576),
			pids: z.int().min(4).max(65_536),
		})
		.partial()
		.optional(),
});
export type LocalConfig = z.infer<typeof LocalConfig>;

/** A container image, with a tag or (surer) a digest. What begins with a dash would be an option. */
export const Image = z
	.string()
	.max(512)
	.regex(
		/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:[0-9]{1,5})?(\/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
		'expected an image, as registry.example.org/team/tool:1.2 or with @sha256:…',
	);

/**
 * A container of the agent's Docker or Podman. There is no key for privileges, devices, the engine's socket or folders of the
 * host; the agent's policy says which images.
 */
export const DockerConfig = z.strictObject({
	image: Image,
	cpus: z.number().min(0.05).max(512).optional(),
	memory_mib: z.int().min(16).max(1_048_576).optional(),
	pids: z.int().min(4).max(65_536).optional(),
	/** `none` where it is left out. */
	network: z.enum(['none', 'bridge']).optional(),
	user: z
		.string()
		.regex(/^[0-9]{1,10}(:[0-9]{1,10})?$|^[a-z_][a-z0-9_-]{0,31}$/, 'expected a user as 1000, 1000:1000 or a name')
		.optional(),
	/** The container may write to its root, and not only to the run's own directory. False where it is left out. */
	writable_root: z.boolean().optional(),
	env: Env.optional(),
});
export type DockerConfig = z.infer<typeof DockerConfig>;

const host = '[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?';
/** Where a host is reached. What begins with a dash would be an option. */
export const HostName = z
	.string()
	.max(253)
	.regex(
		new RegExp(`^(${host}|[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7})$`),
		"expected a host's name or address, without user or port",
	);
export const SshUser = z.string().regex(/^[A-Za-z_][A-Za-z0-9._-]{0,31}$/, 'expected the name of an account');
const Port = z.int().min(1).max(65_535);

/** Hosts the agent reaches by ssh, of which it must know the keys. */
export const SshConfig = z.strictObject({
	/** Where a job has targets they must be among these; left out, they may be any that its inventory names. */
	hosts: z
		.array(HostName)
		.min(1, 'must not be empty')
		.max(500)
		.refine((hosts) => new Set(hosts).size === hosts.length, 'names a host twice')
		.optional(),
	/** And the port and the user of a host whose inventory names no other. */
	user: SshUser,
	port: Port.optional(),
	key_ref: SecretRef,
	/** Of a key that is encrypted. */
	passphrase_ref: SecretRef.optional(),
	jump: z.strictObject({ host: HostName, user: SshUser.optional(), port: Port.optional() }).optional(),
	/** Hosts at once. */
	parallel: z.int().min(1).max(100).optional(),
});
export type SshConfig = z.infer<typeof SshConfig>;

const Cpu = z
	.string()
	.regex(/^([1-9]\d{0,4}m|[1-9]\d{0,2}(\.\d{1,3})?|0\.\d{1,3})$/, 'expected a share as 250m or 1.5');
const Memory = z.string().regex(/^[1-9]\d{0,6}(Mi|Gi|M|G)$/, 'expected an amount as 512Mi or 2Gi');
const Resources = z.strictObject({ cpu: Cpu, memory: Memory }).partial();

/** A Job in a cluster, which the agent reaches with that cluster's own kubeconfig. */
export const K8sConfig = z.strictObject({
	/** One of the project's clusters, by name. */
	cluster: Name(120),
	namespace: z
		.string()
		.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected a namespace: lower case, digits and dashes'),
	image: Image,
	requests: Resources.optional(),
	limits: Resources.optional(),
	/** As a container's. */
	writable_root: z.boolean().optional(),
	env: Env.optional(),
});
export type K8sConfig = z.infer<typeof K8sConfig>;

/** What the hub sets itself, or what would be a secret that belongs in `secret_ref`. */
const ownHeader =
	/^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|expect|cookie|set-cookie|authorization|proxy-.*|cf-.*|x-forwarded-.*|x-uhub-.*|uhub-.*|webhook-.*|idempotency-key|.*(token|secret|password|api-?key).*)$/i;
const Headers = z
	.record(
		z
			.string()
			.max(64)
			.regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'expected the name of a header')
			.refine((name) => !ownHeader.test(name), 'is set by the hub, or is a secret: that goes by secret_ref'),
		z
			.string()
			.max(1024)
			.regex(/^[\x20-\x7e]*$/, 'expected visible ASCII characters'),
	)
	.refine((headers) => Object.keys(headers).length <= 20, 'at most 20 headers');

/** A signed request that starts the work elsewhere. */
export const WebhookConfig = z
	.strictObject({
		url: HttpUrl,
		/** Who sends it, `hub` where it is left out. An agent reaches what the hub does not, as its policy allows. */
		via: z.enum(['hub', 'agent']).optional(),
		/** `POST` where it is left out. */
		method: z.enum(['POST', 'PUT', 'PATCH']).optional(),
		headers: Headers.optional(),
		/** Of the key it is signed with: one of the hub's own, or one that the agent finds. */
		secret_ref: z.string().max(512),
		/** Any 2xx where it is left out. */
		expected_status: z.int().min(100).max(599).optional(),
		/** Until it has answered. */
		timeout_s: TimeoutS.optional(),
		/** Its answer only says that it has begun; how it ends is told by a callback, within the job's own time limit. */
		callback: z.boolean().optional(),
	})
	.superRefine(({ via, secret_ref }, ctx) => {
		const [wrong] = (via === 'agent' ? SecretRef : HubSecretRef).safeParse(secret_ref).error?.issues ?? [];
		if (wrong) ctx.addIssue({ code: 'custom', path: ['secret_ref'], message: wrong.message });
	});
export type WebhookConfig = z.infer<typeof WebhookConfig>;

export const ServerlessProvider = z.enum(['workers', 'knative', 'lambda', 'other']);
export type ServerlessProvider = z.infer<typeof ServerlessProvider>;

/** Where a function of AWS Lambda lies, as its own address says; null for any other address. */
export const lambdaRegion = (url: string): string | null =>
	/^https:\/\/[a-z0-9]{1,64}\.lambda-url\.([a-z]{2}[a-z0-9-]{1,30})\.on\.aws(\/|\?|$)/.exec(url)?.[1] ?? null;

/** A function behind an address, called with a signature its provider understands. */
export const ServerlessConfig = z
	.strictObject({
		provider: ServerlessProvider,
		url: HttpUrl,
		/** Of `lambda` it is ACCESS_KEY_ID:SECRET. */
		secret_ref: HubSecretRef,
		timeout_s: TimeoutS.optional(),
		/** As a webhook's. */
		callback: z.boolean().optional(),
	})
	// What is no address at all has been refused for that.
	.refine(
		({ provider, url }) => provider !== 'lambda' || lambdaRegion(url) !== null || !HttpUrl.safeParse(url).success,
		{
			path: ['url'],
			message: 'expected the address of a function, as https://ID.lambda-url.REGION.on.aws/',
		},
	);
export type ServerlessConfig = z.infer<typeof ServerlessConfig>;

const configs = {
	local: LocalConfig,
	docker: DockerConfig,
	webhook: WebhookConfig,
	ssh: SshConfig,
	k8s: K8sConfig,
	serverless: ServerlessConfig,
} as const satisfies Record<ExecutionBackend, z.ZodType<Record<string, unknown>>>;

/** A configuration that has somebody called. */
const Called = z.object({ url: z.string(), via: z.string().optional() });

/** The strict schema of a backend's configuration. Where no backend is chosen there is nothing to configure. */
export const backendConfig = (backend: ExecutionBackend | null): z.ZodType<Record<string, unknown>> =>
	backend === null ? z.strictObject({}) : configs[backend];

/**
 * What is wrong with a backend's configuration, by path. A backend that needs one must have it. `networks` are those of one's own that
 * the hub may call; null where that is not known: then who makes the call judges alone.
 */
export function executionErrors(
	{ execution_backend, execution_backend_config }: Execution,
	networks: readonly string[] | null,
) {
	if (execution_backend_config === null && execution_backend === null) return [];
	const result = backendConfig(execution_backend).safeParse(execution_backend_config ?? {});
	const { url, via } = Called.safeParse(result.data).data ?? {};
	if (url !== undefined && via !== 'agent' && networks && !isAllowedAddress(url, networks))
		return [{ path: 'execution_backend_config.url', message: 'must not lead to a private or local address' }];
	return (result.error?.issues ?? []).map((issue) => ({
		path: ['execution_backend_config', ...issue.path.map(String)].join('.'),
		// Of a name that is wrong, zod says only that it is; why is within.
		message: (issue.code === 'invalid_key' ? issue.issues[0] : issue)?.message ?? issue.message,
	}));
}
