import { GROUPS_JSON_MAX, type GroupsJson, HOSTS_MAX } from '#domain/inventory.ts';
import { type Budget, type Json, NotAnInventory, safeName } from './budget.ts';

const GROUPS_MAX = 2_000;
const DEPTH_MAX = 100;

/** What `ansible-inventory` leaves out of the variables it prints. */
const internal = new Set([
	'ansible_diff_mode',
	'ansible_config_file',
	'ansible_facts',
	'ansible_forks',
	'ansible_inventory_sources',
	'ansible_limit',
	'ansible_playbook_python',
	'ansible_run_tags',
	'ansible_skip_tags',
	'ansible_verbosity',
	'ansible_version',
	'inventory_dir',
	'inventory_file',
	'inventory_hostname',
	'inventory_hostname_short',
	'groups',
	'group_names',
	'omit',
	'playbook_dir',
]);

interface Host {
	name: string;
	vars: Map<string, Json>;
	/** The groups that name it. */
	groups: Set<Group>;
}

interface Group {
	name: string;
	vars: Map<string, Json>;
	hosts: Map<string, Host>;
	children: Map<string, Group>;
	parents: Set<Group>;
	priority: number;
	/** The longest way down to it from the top. */
	depth: number;
}

/** Groups and hosts as Ansible holds them while it reads (its `InventoryData`), and what it prints of them. */
export class Tree {
	readonly groups = new Map<string, Group>();
	readonly hosts = new Map<string, Host>();
	readonly budget: Budget;

	constructor(budget: Budget) {
		this.budget = budget;
		this.addGroup('all');
		this.addGroup('ungrouped');
		this.addChild('all', 'ungrouped');
	}

	addGroup(name: string): Group {
		const known = this.groups.get(name);
		if (known) return known;
		if (this.groups.size === GROUPS_MAX) throw new NotAnInventory(`has more than ${String(GROUPS_MAX)} groups`);
		const group: Group = {
			name: safeName(name),
			vars: new Map(),
			hosts: new Map(),
			children: new Map(),
			parents: new Set(),
			priority: 1,
			depth: 0,
		};
		this.groups.set(name, group);
		return group;
	}

	/** The port counts only where the host is first named. */
	addHost(name: string, group: string, port: number | null): void {
		this.budget.spend();
		if (name === '') throw new NotAnInventory('has a host without a name');
		let host = this.hosts.get(name);
		if (!host) {
			if (this.hosts.size === HOSTS_MAX) throw new NotAnInventory(`has more than ${String(HOSTS_MAX)} hosts`);
			host = { name: safeName(name), vars: new Map(), groups: new Set() };
			if (port) host.vars.set('ansible_port', port);
			this.hosts.set(name, host);
		}
		join(this.#group(group), host);
	}

	/** Of a group where one has that name, else of a host: Ansible looks in this order. */
	setVariable(entity: string, name: string, value: Json): void {
		this.budget.spend();
		const group = this.groups.get(entity);
		if (group && name === 'ansible_group_priority') group.priority = integer(value);
		else (group ?? this.hosts.get(entity))?.vars.set(safeName(name), value);
	}

	addChild(parent: string, name: string): void {
		this.budget.spend();
		const group = this.#group(parent);
		const child = this.groups.get(name);
		if (!child) {
			const host = this.hosts.get(name);
			if (!host) throw new NotAnInventory(`${name} is neither a group nor a host`);
			join(group, host);
			return;
		}
		if (child === group) throw new NotAnInventory(`the group ${name} cannot be its own child`);
		group.children.set(name, child);
		child.parents.add(group);
	}

	/** What `ansible-inventory --list` prints. */
	list(): GroupsJson {
		this.#reconcile();
		this.#measure();
		const result: Record<string, { hosts?: string[]; children?: string[] }> = {};
		for (const group of this.groups.values()) {
			this.budget.spend(group.hosts.size + group.children.size);
			const hosts = group.name === 'all' ? [] : [...group.hosts.keys()];
			const children = [...group.children.keys()];
			if (hosts.length > 0 || children.length > 0)
				result[group.name] = { ...(hosts.length > 0 && { hosts }), ...(children.length > 0 && { children }) };
		}
		return { ...result, _meta: { hostvars: this.#hostvars() } };
	}

	#group(name: string): Group {
		const group = this.groups.get(name);
		if (!group) throw new NotAnInventory(`there is no group ${name}`);
		return group;
	}

	/** Every group hangs under `all`, every host in a group: in `ungrouped` where in no other. */
	#reconcile(): void {
		for (const group of this.groups.values())
			if (group.name !== 'all' && group.parents.size === 0) this.addChild('all', group.name);
		const ungrouped = this.#group('ungrouped');
		for (const host of this.hosts.values()) {
			const groups = this.#groupsOf(host);
			const others = [...groups].some(({ name }) => name !== 'all' && name !== 'ungrouped');
			if (groups.has(ungrouped)) {
				if (!others) continue;
				ungrouped.hosts.delete(host.name);
				host.groups.delete(ungrouped);
			} else if (!others) this.addChild('ungrouped', host.name);
		}
	}

	/** Sets every group's depth. Throws where groups hang in a circle, or too deep. */
	#measure(): void {
		const waiting = new Map([...this.groups.values()].map((group) => [group, group.parents.size]));
		const ready = [...waiting].flatMap(([group, parents]) => (parents === 0 ? [group] : []));
		for (let group = ready.pop(); group; group = ready.pop()) {
			waiting.delete(group);
			if (group.depth > DEPTH_MAX) throw new NotAnInventory(`has groups in more than ${String(DEPTH_MAX)} levels`);
			for (const child of group.children.values()) {
				child.depth = Math.max(child.depth, group.depth + 1);
				const left = (waiting.get(child) ?? 0) - 1;
				waiting.set(child, left);
				if (left === 0) ready.push(child);
			}
		}
		const [circle] = waiting.keys();
		if (circle) throw new NotAnInventory(`the group ${circle.name} hangs under itself, or under one that does`);
	}

	/** Its groups and all that these hang under. */
	#groupsOf(host: Host): Set<Group> {
		const all = new Set<Group>();
		const next = [...host.groups];
		for (let group = next.pop(); group; group = next.pop()) {
			this.budget.spend();
			if (all.has(group)) continue;
			all.add(group);
			next.push(...group.parents);
		}
		return all;
	}

	#hostvars(): Record<string, Record<string, Json>> {
		const hostvars: Record<string, Record<string, Json>> = {};
		const all = this.#group('all');
		let bytes = 0;
		for (const host of this.hosts.values()) {
			const groups = [...this.#groupsOf(host)].filter((group) => group !== all).sort(byPrecedence);
			const vars = new Map<string, Json>();
			for (const from of [all, ...groups, host]) {
				this.budget.spend(from.vars.size + 1);
				for (const [name, value] of from.vars) vars.set(name, value);
			}
			for (const name of internal) vars.delete(name);
			if (vars.size === 0) continue;
			const own = Object.fromEntries(vars);
			bytes += JSON.stringify(own).length;
			if (bytes > GROUPS_JSON_MAX)
				throw new NotAnInventory('has more variables than can be kept: a megabyte, counted out for each host');
			hostvars[host.name] = own;
		}
		return hostvars;
	}
}

function join(group: Group, host: Host): void {
	group.hosts.set(host.name, host);
	host.groups.add(group);
}

/** The deeper group wins, then the one of higher priority, then the later name. */
function byPrecedence(a: Group, b: Group): number {
	return a.depth - b.depth || a.priority - b.priority || (a.name < b.name ? -1 : 1);
}

function integer(value: Json): number {
	const number = typeof value === 'string' && /^\s*[-+]?\d+\s*$/.test(value) ? Number(value) : value;
	if (typeof number === 'boolean') return Number(number);
	if (typeof number !== 'number') throw new NotAnInventory('ansible_group_priority must be a whole number');
	return Math.trunc(number);
}
