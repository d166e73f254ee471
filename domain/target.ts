import { z } from 'zod';
import { HostName, SshUser } from './backend-config.ts';
import { Name } from './common.ts';
import { BadPattern, hostsMeant } from './host-pattern.ts';
import type { GroupsJson } from './inventory.ts';
import { TARGET_HOSTS_MAX } from './parameter.ts';

/** A host as its inventory describes it: its name there, and where it is reached. */
export const TargetHost = z.strictObject({
	name: Name(253),
	address: HostName,
	port: z.int().min(1).max(65_535).optional(),
	user: SshUser.optional(),
});
export type TargetHost = z.infer<typeof TargetHost>;

/** Nothing can be done with the targets; the message says why. */
export class NoTargets extends Error {}

/** The names of the hosts that a limit means. Throws `NoTargets`. */
export function targetNames(groups: GroupsJson, limit: string | null): string[] {
	const said = limit === null ? 'The inventory' : `The limit ${limit}`;
	try {
		const names = hostsMeant(groups, limit);
		if (names.length === 0) throw new NoTargets(`${said} means no host.`);
		if (names.length > TARGET_HOSTS_MAX)
			throw new NoTargets(
				`${said} means ${String(names.length)} hosts; a run takes ${String(TARGET_HOSTS_MAX)} at most.`,
			);
		return names;
	} catch (error) {
		if (error instanceof BadPattern) throw new NoTargets(`${said} cannot be followed: ${error.message}.`);
		throw error;
	}
}

/** Where and as whom a host is reached, by its variables as Ansible's ssh reads them. Throws `NoTargets`. */
export function targetHost(groups: GroupsJson, name: string): TargetHost {
	const hostvars = groups._meta?.hostvars ?? {};
	const vars = (Object.hasOwn(hostvars, name) && hostvars[name]) || {};
	const of = (variable: string) => vars[`ansible_ssh_${variable}`] ?? vars[`ansible_${variable}`] ?? undefined;
	const port = of('port');
	const parsed = TargetHost.safeParse({
		name,
		address: of('host') ?? name,
		port: typeof port === 'string' ? Number(port) : port,
		user: of('user'),
	});
	if (parsed.success) return parsed.data;
	const [issue] = parsed.error.issues;
	throw new NoTargets(
		`The host ${JSON.stringify(name.slice(0, 253))} cannot be reached: its ${String(issue?.path[0])} is not one (${issue?.message ?? ''}).`,
	);
}
