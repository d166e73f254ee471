import { z } from 'zod';
import { GitRevision, GitUrl } from '#domain/address.ts';
import { FsPath } from '#domain/script.ts';
import type { Step } from '#protocol/run-spec.ts';
import { AbsolutePath } from './paths.ts';

const GitHost = z
	.string()
	.regex(
		/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[1-9][0-9]{0,4})?$/,
		'expected host or host:port, of a server of repositories',
	);

/** The servers that scripts may be fetched from. */
export const GitPolicy = z.strictObject({
	/** Without a port: the usual one. */
	hosts: z.array(GitHost).min(1).max(200),
	/** Who signed their certificates; left out: whoever this host trusts. */
	ca: AbsolutePath.nullable().default(null),
	/** The keys of those that are reached by ssh. */
	known_hosts: AbsolutePath.nullable().default(null),
	/** For one repository: its files, and what is sent for them. */
	max_mib: z.int().min(1).max(100_000).default(512),
	timeout_s: z.int().min(1).max(3600).default(300),
});
export type GitPolicy = z.infer<typeof GitPolicy>;

export type GitStep = Extract<Step, { location_type: 'git' }>;

/** How a repository is reached, and on which host: `host`, or `host:port` where the port is not the usual one. */
export function reachOf(url: string): { by: 'https' | 'ssh'; host: string } {
	if (url.includes('://')) {
		const { protocol, hostname, port } = new URL(url);
		const usual = protocol === 'https:' ? '443' : '22';
		return {
			by: protocol === 'https:' ? 'https' : 'ssh',
			host: port === '' || port === usual ? hostname : `${hostname}:${port}`,
		};
	}
	return { by: 'ssh', host: /@([^:]+):/.exec(url)?.[1] ?? '' };
}

/** What the policy has against fetching a script from there; null: nothing. */
export function gitRefusal(step: GitStep, policy: GitPolicy | null): string | null {
	if (!policy) return 'does not allow scripts from repositories (git)';
	for (const [schema, value] of [
		[GitUrl, step.url],
		[GitRevision, step.revision],
		[FsPath, step.path],
	] as const)
		if (!schema.safeParse(value).success) return `takes no such repository, revision or path as ${value} (git)`;
	const { by, host } = reachOf(step.url);
	if (!policy.hosts.some((one) => one.toLowerCase() === host.toLowerCase()))
		return `does not allow repositories of ${host} (git.hosts)`;
	if (by === 'ssh' && policy.known_hosts === null)
		return 'does not say how the keys of servers are known that are reached by ssh (git.known_hosts)';
	return null;
}
