import { z } from 'zod';
import { SshUser } from '#domain/backend-config.ts';
import { wildcard } from '#domain/glob.ts';
import type { BackendSpec } from '#protocol/run-spec.ts';
import { AbsolutePath } from './paths.ts';

const HostPattern = z
	.string()
	.max(253)
	.regex(/^[A-Za-z0-9.:*?_-]+$/, 'expected the name or address of a host, with * and ? for the rest');

/** Which hosts may be reached by ssh, as whom, and whose keys are vouched for. */
export const SshPolicy = z.strictObject({
	/** Of OpenSSH's format. A host that is not in it is refused. */
	known_hosts: AbsolutePath,
	hosts: z.array(HostPattern).max(500).default([]),
	users: z.array(SshUser).max(100).default([]),
	/** Hosts that others may be reached through. */
	jump: z.array(HostPattern).max(100).default([]),
	/** Hosts at once, whatever a job asks for. */
	max_parallel: z.int().min(1).max(100).default(10),
	/** Until a host has let the agent in. */
	connect_timeout_s: z.int().min(1).max(120).default(10),
	/** Where a run's files are put on a host. */
	dir: AbsolutePath.regex(/^[A-Za-z0-9_./-]+$/, 'expected a path of letters, digits and _ . / -').default('/tmp'),
});
export type SshPolicy = z.infer<typeof SshPolicy>;
type SshSpec = Extract<BackendSpec, { backend: 'ssh' }>['config'];

const among = (host: string, patterns: readonly string[]): boolean =>
	patterns.some((pattern) => wildcard(pattern.toLowerCase())(host.toLowerCase()));

/** What the policy has against these hosts; null: nothing. */
export function sshRefusal({ hosts, user, jump }: SshSpec, policy: SshPolicy | null): string | null {
	if (!policy) return 'does not say which hosts may be reached by ssh (ssh)';
	const strange = hosts.find(({ address }) => !among(address, policy.hosts));
	if (strange) return `does not allow the host ${strange.address} (ssh.hosts)`;
	if (jump && !among(jump.host, policy.jump)) return `does not allow the jump host ${jump.host} (ssh.jump)`;
	const users = [...hosts, ...(jump ? [jump] : [])].map((one) => one.user ?? user);
	const nobody = users.find((one) => !policy.users.includes(one));
	return nobody === undefined ? null : `does not allow the account ${nobody} on another host (ssh.users)`;
}

/** For `policy check`. */
export const saySsh = (policy: SshPolicy | null): string[] =>
	policy
		? [
				`by ssh: ${policy.hosts.join(', ') || 'no host'}, as ${policy.users.join(', ') || 'nobody'}, at most ${String(policy.max_parallel)} at once; keys from ${policy.known_hosts}`,
				...(policy.jump.length > 0 ? [`through: ${policy.jump.join(', ')}`] : []),
			]
		: [];
