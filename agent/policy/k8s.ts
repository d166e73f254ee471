import { z } from 'zod';
import { K8sConfig } from '#domain/backend-config.ts';
import type { BackendSpec } from '#protocol/run-spec.ts';
import { imageAllowed, imageName, ImagePattern } from './images.ts';

const { namespace, limits } = K8sConfig.shape;
const { cpu, memory } = limits.unwrap().shape;
const Uid = z
	.int()
	.min(1)
	.max(2 ** 31 - 1);

/** Which Jobs may be made in a cluster. Which clusters: those whose kubeconfig is among the secrets of the project. */
export const K8sPolicy = z.strictObject({
	namespaces: z.array(namespace).max(200).default([]),
	images: z.array(ImagePattern).max(500).default([]),
	/** Only images that are named by what they hold. */
	digest_required: z.boolean().default(false),
	/** Who a pod is to its cluster, without a token; the namespace's own where it is left out. */
	service_account: namespace.nullable().default(null),
	/** Processes may be root's. */
	root: z.boolean().default(false),
	/** Whose they are; the image's user where it is left out. */
	run_as: z.strictObject({ uid: Uid, gid: Uid }).nullable().default(null),
	/** A job may ask for a root that can be written to. */
	writable_root: z.boolean().default(false),
	/** A kubeconfig may say that nobody vouches for its server. */
	insecure_skip_tls_verify: z.boolean().default(false),
	/** How long a pod may wait for a node and its image. */
	start_within_s: z.int().min(1).max(86_400).default(600),
	/** The most that a job may ask for, and what it has when it does not. */
	max: z
		.strictObject({ cpu: cpu.unwrap().nullable().default(null), memory: memory.unwrap().nullable().default(null) })
		.prefault({}),
});
export type K8sPolicy = z.infer<typeof K8sPolicy>;
export type K8sSpec = Extract<BackendSpec, { backend: 'k8s' }>['config'];

const units: Record<string, number> = { m: 0.001, Mi: 2 ** 20, Gi: 2 ** 30, M: 1e6, G: 1e9 };

/** An amount as clusters write it: 250m, 1.5, 512Mi. Pure. */
export function quantity(text: string): number {
	const [, number = '', unit = ''] = /^([\d.]+)(.*)$/.exec(text) ?? [];
	return Number(number) * (units[unit] ?? 1);
}

/** What the policy has against such a Job; null: nothing. */
export function k8sRefusal(config: K8sSpec, policy: K8sPolicy | null): string | null {
	if (!policy) return 'does not say which Jobs may be made in a cluster (k8s)';
	if (!policy.namespaces.includes(config.namespace))
		return `does not allow the namespace ${config.namespace} (k8s.namespaces)`;
	const image = imageName(config.image);
	if (!imageAllowed(image, policy.images)) return `does not allow the image ${config.image} (k8s.images)`;
	if (policy.digest_required && image.digest === null)
		return `takes only images with their digest, not ${config.image} (k8s.digest_required)`;
	if (config.writable_root && !policy.writable_root)
		return 'does not allow a root that can be written to (k8s.writable_root)';
	for (const of of ['cpu', 'memory'] as const) {
		const most = policy.max[of];
		for (const asked of [config.limits?.[of], config.requests?.[of]])
			if (asked !== undefined && most !== null && quantity(asked) > quantity(most))
				return `allows ${of} of ${most} at most, not ${asked} (k8s.max.${of})`;
	}
	return null;
}

/** For `policy check`. */
export function sayK8s(policy: K8sPolicy | null): string[] {
	if (!policy) return [];
	const { namespaces, images, digest_required, max, root, writable_root, insecure_skip_tls_verify } = policy;
	const limits = [max.cpu, max.memory].filter((one) => one !== null).join(' and ') || 'what the cluster gives';
	return [
		`in clusters: namespaces ${namespaces.join(', ') || 'none'}; images ${images.join(', ') || 'none'}${digest_required ? ', with their digest' : ''}`,
		`pods: at most ${limits}${root ? '; as root too' : '; not as root'}${writable_root ? '; a root that can be written to' : ''}${insecure_skip_tls_verify ? '; also clusters nobody vouches for' : ''}`,
	];
}
