import type { Cluster, User } from '@kubernetes/client-node';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { K8sPolicy, K8sSpec } from '../../policy/k8s.ts';
import { NotPrepared } from '../contract.ts';

const Base64 = z.base64().max(100_000);
const Named = <T extends z.ZodType>(name: string, of: T) =>
	z.array(z.looseObject({ name: z.string(), [name]: of })).max(100);
/** A part that is not here says nothing; the ones a kubeconfig may not have are refused by their names. */
const Kubeconfig = z.looseObject({
	'current-context': z.string(),
	contexts: z
		.array(z.looseObject({ name: z.string(), context: z.looseObject({ cluster: z.string(), user: z.string() }) }))
		.max(100),
	clusters: Named('cluster', z.record(z.string(), z.unknown())),
	users: Named('user', z.record(z.string(), z.unknown()).nullable()),
});
const ClusterPart = z.strictObject({
	server: z.url({ protocol: /^https$/, error: 'its server is not reached by https' }),
	'certificate-authority-data': Base64.optional(),
	'tls-server-name': z.string().max(253).optional(),
	'insecure-skip-tls-verify': z.boolean().optional(),
	'disable-compression': z.boolean().optional(),
	extensions: z.unknown().optional(),
});
const UserPart = z.strictObject({
	token: z.string().min(1).max(100_000).optional(),
	'client-certificate-data': Base64.optional(),
	'client-key-data': Base64.optional(),
	extensions: z.unknown().optional(),
});

export interface Access {
	cluster: Cluster;
	user: User;
}

const no = (why: string): NotPrepared => new NotPrepared(`the kubeconfig is not taken: ${why}`, 'cluster_unavailable');

/**
 * How a kubeconfig gets into its cluster. What would run a program, read a file of this host or go through a proxy is refused: a
 * kubeconfig comes by a reference, and must hold all there is to it. Throws `NotPrepared`.
 */
export function accessOf(bytes: Buffer, policy: K8sPolicy, expected: K8sSpec['api_server_url']): Access {
	const config = Kubeconfig.safeParse(documentIn(bytes));
	if (!config.success) throw no('it is not one');
	const { contexts, clusters, users } = config.data;
	const context = contexts.find(({ name }) => name === config.data['current-context'])?.context;
	const found = {
		cluster: clusters.find(({ name }) => name === context?.cluster)?.['cluster'],
		user: users.find(({ name }) => name === context?.user)?.['user'],
	};
	if (!context || !found.cluster) throw no('its current context names no cluster');
	const cluster = part(ClusterPart, found.cluster);
	const user = part(UserPart, found.user ?? {});
	if (cluster['insecure-skip-tls-verify'] && !policy.insecure_skip_tls_verify)
		throw no("nobody vouches for its server, which the agent's policy does not allow (k8s.insecure_skip_tls_verify)");
	if (user.token === undefined && user['client-key-data'] === undefined) throw no('it says nobody the agent could be');
	if (expected !== null && new URL(expected).origin !== new URL(cluster.server).origin)
		throw no(`it leads to ${new URL(cluster.server).origin}, and the cluster is at ${new URL(expected).origin}`);
	return {
		cluster: {
			name: 'cluster',
			server: cluster.server.replace(/\/+$/, ''),
			skipTLSVerify: cluster['insecure-skip-tls-verify'] ?? false,
			...given('caData', cluster['certificate-authority-data']),
			...given('tlsServerName', cluster['tls-server-name']),
		},
		user: {
			name: 'user',
			...given('token', user.token),
			...given('certData', user['client-certificate-data']),
			...given('keyData', user['client-key-data']),
		},
	};
}

const given = <K extends string>(name: K, value: string | undefined) =>
	(value === undefined ? {} : { [name]: value }) as Partial<Record<K, string>>;

function documentIn(bytes: Buffer): unknown {
	try {
		const document = parseDocument(bytes.toString(), { uniqueKeys: true });
		return document.errors.length > 0 ? null : document.toJS({ maxAliasCount: 10 });
	} catch {
		return null;
	}
}

/** Nothing it holds is repeated, for it may be a secret: only names are. */
function part<T>(schema: z.ZodType<T>, value: unknown): T {
	const parsed = schema.safeParse(value);
	if (parsed.success) return parsed.data;
	const [issue] = parsed.error.issues;
	throw no(
		issue?.code === 'unrecognized_keys'
			? `${issue.keys.map((key) => key.slice(0, 60)).join(', ')} in it is not allowed: it must hold all there is to it, and run nothing`
			: `${issue?.path.join('.') ?? ''} in it is not as it should be (${issue?.message ?? ''})`,
	);
}
