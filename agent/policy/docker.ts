import { z } from 'zod';
import { DockerConfig } from '#domain/backend-config.ts';
import { imageAllowed, imageName, ImagePattern } from './images.ts';
import { OwnRef } from './own-ref.ts';
import { AbsolutePath } from './paths.ts';

const Registry = z
	.string()
	.regex(
		/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?$/,
		'expected host or host:port, of a registry (docker.io for Docker Hub)',
	);

const { cpus, memory_mib, pids, network } = DockerConfig.shape;

/** Which containers may be made by the engine of this host, or of wherever its socket leads. */
export const DockerPolicy = z.strictObject({
	/** Of Docker or Podman. What DOCKER_HOST says is not looked at. */
	socket: AbsolutePath.default('/var/run/docker.sock'),
	images: z.array(ImagePattern).max(500).default([]),
	/** Only images that are named by what they hold. */
	digest_required: z.boolean().default(false),
	pull: z.enum(['never', 'missing', 'always']).default('missing'),
	networks: z.array(network.unwrap()).max(2).default(['none']),
	/** A job may ask for a root that can be written to. */
	writable_root: z.boolean().default(false),
	/** Not as root: the job's user, or the image's own, must be another. */
	user_required: z.boolean().default(false),
	/** The most that a job may ask for, and what it has when it does not. */
	max: z
		.strictObject({
			cpus: cpus.unwrap().nullable().default(null),
			memory_mib: memory_mib.unwrap().nullable().default(null),
			pids: pids.unwrap().default(4096),
		})
		.prefault({}),
	/** Who the agent is there. */
	registries: z
		.record(Registry, z.strictObject({ username: z.string().min(1).max(200), password_ref: OwnRef }))
		.default({}),
});
export type DockerPolicy = z.infer<typeof DockerPolicy>;

/** A user who is root, as far as the words tell. */
const namesRoot = (user: string): boolean => /^(0+|root)(:|$)/.test(user);

/** What the policy has against such a container; null: nothing. */
export function dockerRefusal(config: DockerConfig, policy: DockerPolicy | null): string | null {
	if (!policy) return 'does not say which containers may be made (docker)';
	const image = imageName(config.image);
	if (!imageAllowed(image, policy.images)) return `does not allow the image ${config.image} (docker.images)`;
	if (policy.digest_required && image.digest === null)
		return `takes only images with their digest, not ${config.image} (docker.digest_required)`;
	const { network = 'none', writable_root = false, user } = config;
	if (!policy.networks.includes(network)) return `does not allow the network ${network} (docker.networks)`;
	if (writable_root && !policy.writable_root)
		return 'does not allow a root that can be written to (docker.writable_root)';
	if (policy.user_required && user !== undefined && namesRoot(user))
		return `does not allow the user ${user} (docker.user_required)`;
	for (const limit of ['cpus', 'memory_mib', 'pids'] as const) {
		const most = policy.max[limit];
		const asked = config[limit];
		if (asked !== undefined && most !== null && asked > most)
			return `allows ${limit} of ${String(most)} at most, not ${String(asked)} (docker.max.${limit})`;
	}
	return null;
}

/** For `policy check`. */
export function sayDocker(policy: DockerPolicy | null): string[] {
	if (!policy) return [];
	const { images, digest_required, networks, pull, max, user_required } = policy;
	const limits = [
		...(max.cpus === null ? [] : [`${String(max.cpus)} cpus`]),
		...(max.memory_mib === null ? ['any memory'] : [`${String(max.memory_mib)} MiB`]),
		`${String(max.pids)} processes`,
	];
	return [
		`in containers of ${policy.socket}: images ${images.join(', ') || 'none'}${digest_required ? ', with their digest' : ''}; pulled: ${pull}`,
		`containers: network ${networks.join(' or ') || 'none at all'}; at most ${limits.join(', ')}${policy.writable_root ? '; a root that can be written to' : ''}${user_required ? '; not as root' : ''}`,
	];
}
