import { utf8Length } from '#domain/bytes.ts';
import { GROUPS_JSON_MAX, type GroupsJson, type InventoryFormat } from '#domain/inventory.ts';
import { Budget, NotAnInventory } from './budget.ts';
import { readIni } from './ini.ts';
import { Tree } from './tree.ts';
import { readYaml } from './yaml.ts';

export interface Parsed {
	format: InventoryFormat;
	groups_json: GroupsJson;
	group_count: number;
	host_count: number;
}

/** Told by the file's name, else by its text: YAML is what begins as YAML does, or has no line of INI's kind. */
function formatOf(text: string, name: string): InventoryFormat {
	if (/\.(ya?ml|json)$/i.test(name)) return 'yaml';
	if (/\.(ini|cfg)$/i.test(name)) return 'ini';
	const first = text.split(/\r?\n/).find((line) => /^\s*[^\s#;]/.test(line)) ?? '';
	return /^(---|\{|%YAML)/.test(first) || /^("[^"]*"|'[^']*'|[^\s[=:]+)\s*:\s*(#.*|\{.*)?$/.test(first)
		? 'yaml'
		: 'ini';
}

/** The groups, hosts and variables of an inventory, as `ansible-inventory --list` prints them. Throws `NotAnInventory`. */
export function parseInventory(text: string, name: string, told?: InventoryFormat): Parsed {
	const format = told ?? formatOf(text, name);
	if (text.includes('\0')) throw new NotAnInventory('holds a NUL');
	const tree = new Tree(new Budget());
	if (format === 'yaml') readYaml(text, tree);
	else readIni(text, tree);
	const groups_json = tree.list();
	if (utf8Length(JSON.stringify(groups_json)) > GROUPS_JSON_MAX)
		throw new NotAnInventory('has more groups and variables than can be kept: a megabyte as JSON');
	return { format, groups_json, group_count: tree.groups.size, host_count: tree.hosts.size };
}
