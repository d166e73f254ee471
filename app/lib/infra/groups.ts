import { type GroupsJson, isSecretName } from '#domain/inventory.ts';

/** Hosts and groups shown at once: ten thousand rows help nobody. */
export const SHOWN_MAX = 200;

type Vars = Record<string, unknown>;

export const varsOf = (groups: GroupsJson, host: string): Vars => {
	const hostvars = groups._meta?.hostvars ?? {};
	return Object.hasOwn(hostvars, host) ? (hostvars[host] ?? {}) : {};
};
export const groupOf = (groups: GroupsJson, name: string) => (Object.hasOwn(groups, name) ? groups[name] : undefined);

const isEncrypted = (value: unknown): boolean =>
	typeof value === 'object' && value !== null && '__ansible_vault' in value;

export type Shown = { kind: 'text'; text: string } | { kind: 'hidden' } | { kind: 'encrypted' };

/** A value as it may be seen: not where its name, or that of what is around it, says that it is secret. */
export function shown(name: string, value: unknown): Shown {
	if (isEncrypted(value)) return { kind: 'encrypted' };
	if (isSecretName(name)) return { kind: 'hidden' };
	return { kind: 'text', text: typeof value === 'string' ? value : JSON.stringify(masked(value), null, 1) };
}

function masked(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(masked);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(
		Object.entries(value).map(([name, inside]) => [
			name,
			isSecretName(name) || isEncrypted(inside) ? '••••••' : masked(inside),
		]),
	);
}

export interface Match {
	host: string;
	/** The variable it was found by; null: by its own name. */
	by: string | null;
}

/** The hosts whose name, or a variable that may be seen, holds the text; and the groups by their names. */
export function search(groups: GroupsJson, text: string): { groups: string[]; hosts: Match[]; more: number } {
	const wanted = text.trim().toLowerCase();
	const holds = (one: string) => one.toLowerCase().includes(wanted);
	const all = new Set(Object.values(groups).flatMap(({ hosts = [] }) => hosts));
	const hosts = [...all].sort().flatMap((host): Match[] => {
		if (holds(host)) return [{ host, by: null }];
		const by = Object.entries(varsOf(groups, host)).find(([name, value]) => {
			const seen = shown(name, value);
			return holds(name) || (seen.kind === 'text' && holds(seen.text));
		});
		return by ? [{ host, by: by[0] }] : [];
	});
	return {
		groups: Object.keys(groups).filter((name) => name !== '_meta' && holds(name)),
		hosts: hosts.slice(0, SHOWN_MAX),
		more: Math.max(0, hosts.length - SHOWN_MAX),
	};
}
