import { NotAnInventory, safeName } from './budget.ts';
import { hostsOf } from './hosts.ts';
import { literalOrText } from './python-literal.ts';
import { shellWords } from './shell-words.ts';
import type { Tree } from './tree.ts';

const section = /^\[([^:\]\s]+)(?::([\p{L}\p{N}_]+))?\]\s*(?:#.*)?$/u;
const groupName = /^([^:\]\s]+)\s*(?:#.*)?$/;
// What ends a line for Python.
// eslint-disable-next-line no-control-regex
const lineBreak = /\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/;

/** A group that was named and is still to be declared: by a `:vars` section, or as a child of others. */
type Pending = { line: number; state: 'vars' } | { line: number; state: 'children'; parents: string[] };

/** Reads an INI inventory, line by line as Ansible's ini plugin does. */
export function readIni(text: string, tree: Tree): void {
	const pending = new Map<string, Pending>();
	let group = 'ungrouped';
	let state: 'hosts' | 'children' | 'vars' = 'hosts';

	const settle = (name: string): void => {
		const waiting = pending.get(name);
		pending.delete(name);
		if (waiting?.state !== 'children') return;
		for (const parent of waiting.parents) {
			tree.addChild(parent, name);
			if (pending.get(parent)?.state === 'children') settle(parent);
		}
	};

	const read = (line: string, number: number): void => {
		const header = section.exec(line);
		if (header) {
			const [, name = '', kind = 'hosts'] = header;
			if (kind !== 'hosts' && kind !== 'children' && kind !== 'vars')
				throw new NotAnInventory(`a section is of hosts, children or vars, not of ${kind}`);
			group = name;
			state = kind;
			if (!tree.groups.has(name)) {
				if (state === 'vars' && !pending.has(name)) pending.set(name, { line: number, state });
				tree.addGroup(name);
			}
			if (state !== 'vars') settle(name);
		} else if (line.startsWith('[') && line.endsWith(']')) throw new NotAnInventory(`${line} is not a section`);
		else if (state === 'vars') readVariable(line, group, tree);
		else if (state === 'hosts') readHosts(line, group, tree);
		else {
			const child = groupName.exec(line)?.[1];
			if (child === undefined) throw new NotAnInventory('expected the name of a group');
			const waiting = pending.get(child);
			if (tree.groups.has(child)) tree.addChild(group, child);
			else if (waiting?.state === 'children') waiting.parents.push(group);
			else pending.set(child, { line: number, state, parents: [group] });
		}
	};

	for (const [at, raw] of text.split(lineBreak).entries()) {
		const line = raw.trim();
		if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
		try {
			read(line, at + 1);
		} catch (error) {
			if (error instanceof NotAnInventory && error.line === null) throw new NotAnInventory(error.message, at + 1);
			throw error;
		}
	}
	for (const [name, { line, state: kind }] of pending)
		throw new NotAnInventory(
			kind === 'vars' ? `[${name}:vars] is of a group that is nowhere declared` : `there is no group ${name}`,
			line,
		);
}

function readVariable(line: string, group: string, tree: Tree): void {
	const at = line.indexOf('=');
	if (at < 0) throw new NotAnInventory('expected name=value');
	tree.setVariable(group, line.slice(0, at).trim(), literalOrText(line.slice(at + 1).trim()));
}

function readHosts(line: string, group: string, tree: Tree): void {
	const [pattern = '', ...words] = shellWords(line);
	const { names, port } = hostsOf(pattern);
	if (pattern.trim().endsWith(':') && port === null)
		throw new NotAnInventory(`${pattern} ends in a colon, and no port follows`);
	if (names.some((name) => name.trim() === '---')) throw new NotAnInventory('--- begins a YAML file, and this is none');
	const vars = new Map(
		words.map((word) => {
			const at = word.indexOf('=');
			if (at < 0) throw new NotAnInventory(`expected name=value, not ${word}`);
			return [safeName(word.slice(0, at)), literalOrText(word.slice(at + 1))] as const;
		}),
	);
	for (const name of names) {
		tree.addHost(name, group, port);
		for (const [key, value] of vars) tree.setVariable(name, key, value);
	}
}
