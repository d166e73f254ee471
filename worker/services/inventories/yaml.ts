import {
	type Alias,
	isAlias,
	isMap,
	isScalar,
	isSeq,
	LineCounter,
	type Node,
	parseDocument,
	visit,
	type YAMLMap,
	type YAMLSeq,
} from 'yaml';
import { type Budget, type Json, NotAnInventory, safeName } from './budget.ts';
import { hostsOf } from './hosts.ts';
import type { Tree } from './tree.ts';

const DEPTH_MAX = 100;

/** Reads a YAML inventory as Ansible's yaml plugin does. */
export function readYaml(text: string, tree: Tree): void {
	const data = new Values(documentOf(text), tree.budget).map();
	if (data.size === 0) throw new NotAnInventory('is an empty document');
	if (data.get('plugin')) throw new NotAnInventory('is the configuration of an inventory plugin, not an inventory');
	for (const [name, group] of data) readGroup(name, group, tree, 0);
}

interface Parsed {
	contents: unknown;
	/** What each alias stands for: the latest node before it that has its anchor. */
	targets: ReadonlyMap<Alias, Node>;
}

function documentOf(text: string): Parsed {
	const lines = new LineCounter();
	const targets = new Map<Alias, Node>();
	try {
		// Every scalar as text: what it means is for YAML 1.1 as Ansible's parser has it, below. Pretty errors cost time by their number.
		const document = parseDocument(text, {
			schema: 'failsafe',
			uniqueKeys: false,
			prettyErrors: false,
			lineCounter: lines,
			logLevel: 'error',
		});
		const [error] = document.errors;
		if (error) throw new NotAnInventory(error.message, lines.linePos(error.pos[0]).line);
		const anchors = new Map<string, Node>();
		visit(document, {
			Alias(_, alias) {
				const target = anchors.get(alias.source);
				if (target) targets.set(alias, target);
			},
			Value(_, node) {
				if (node.anchor !== undefined) anchors.set(node.anchor, node);
			},
		});
		return { contents: document.contents, targets };
	} catch (error) {
		if (error instanceof RangeError) throw new NotAnInventory('is nested too deep');
		throw error;
	}
}

/** A name: Ansible takes no number, and no other thing, for one. */
function nameOf(key: Json, what: string): string {
	if (typeof key !== 'string' || key === '')
		throw new NotAnInventory(`a ${what}'s name must be text: put it in quotes`);
	return key;
}

type Mapping = Map<Json, Value>;
type Value = Json | Mapping;

const mappingOf = (value: Value, what: string): Mapping => {
	if (value instanceof Map) return value;
	if (value === null) return new Map();
	throw new NotAnInventory(`${what} must be a mapping`);
};

function readGroup(key: Json, data: Value, tree: Tree, depth: number): string {
	const name = nameOf(key, 'group');
	if (depth > DEPTH_MAX) throw new NotAnInventory('has groups in too many levels');
	// What is no mapping is no group: Ansible passes it over, with a warning.
	if (data !== null && !(data instanceof Map)) return name;
	tree.addGroup(name);
	for (const [section, value] of data ?? []) {
		if (section !== 'vars' && section !== 'children' && section !== 'hosts') continue;
		// One name alone is short for a mapping of it.
		const entries = typeof value === 'string' ? new Map([[value, null]]) : mappingOf(value, `${section} of ${name}`);
		for (const [entry, inside] of entries) {
			if (section === 'vars') tree.setVariable(name, keyText(entry), plain(inside));
			else if (section === 'children') tree.addChild(name, readGroup(entry, inside, tree, depth + 1));
			else readHost(nameOf(entry, 'host'), inside, name, tree);
		}
	}
	return name;
}

function readHost(pattern: string, data: Value, group: string, tree: Tree): void {
	const { names, port } = hostsOf(pattern);
	// Nothing, in any form, is no variables.
	const empty = data === false || data === 0 || data === '' || (Array.isArray(data) && data.length === 0);
	const vars = mappingOf(empty ? null : data, `what stands under the host ${pattern}`);
	for (const name of names) {
		tree.addHost(name, group, port);
		for (const [key, value] of vars) tree.setVariable(name, keyText(key), plain(value));
	}
}

const keyText = (key: Json): string => safeName(typeof key === 'string' ? key : JSON.stringify(key));

function plain(value: Value): Json {
	if (!(value instanceof Map)) return value;
	return Object.fromEntries([...value].map(([key, inside]) => [keyText(key), plain(inside)]));
}

/** The values of a document: aliases followed, merges merged, scalars read as YAML 1.1. */
class Values {
	readonly #parsed: Parsed;
	readonly #budget: Budget;

	constructor(parsed: Parsed, budget: Budget) {
		this.#parsed = parsed;
		this.#budget = budget;
	}

	map(): Mapping {
		const value = this.#value(this.#parsed.contents, 0);
		if (!(value instanceof Map)) throw new NotAnInventory('is not a mapping of groups');
		return value;
	}

	#value(node: unknown, depth: number): Value {
		this.#budget.spend();
		if (depth > DEPTH_MAX) throw new NotAnInventory('is nested too deep');
		if (isAlias(node)) return this.#value(this.#target(node), depth + 1);
		if (isMap(node)) return this.#map(node, depth);
		if (isSeq(node)) return this.#sequence(node, depth);
		if (!isScalar(node)) return null;
		return scalar(String(node.value ?? ''), node.type === 'PLAIN' || node.type === undefined, node.tag);
	}

	#target(alias: Alias): Node {
		const target = this.#parsed.targets.get(alias);
		if (!target) throw new NotAnInventory(`*${alias.source} names nothing`);
		return target;
	}

	#sequence(node: YAMLSeq, depth: number): Json[] {
		knownTag(node.tag, [`${core}seq`]);
		return node.items.map((item) => plain(this.#value(item, depth + 1)));
	}

	#map(node: YAMLMap, depth: number): Mapping {
		knownTag(node.tag, [`${core}map`]);
		const merged: Mapping = new Map();
		const own: Mapping = new Map();
		for (const { key, value } of node.items) {
			const merge = isScalar(key) && key.type === 'PLAIN' && key.value === '<<';
			if (merge) for (const [name, inside] of this.#merged(value, depth)) merged.set(name, inside);
			else {
				const name = this.#value(key, depth + 1);
				if (typeof name === 'object' && name !== null) throw new NotAnInventory('has a key that is no scalar');
				own.set(name, this.#value(value, depth + 1));
			}
		}
		this.#budget.spend(merged.size);
		return new Map([...merged, ...own]);
	}

	/** What `<<` brings: of a list, what comes first wins. */
	#merged(node: unknown, depth: number): Mapping {
		const source = isAlias(node) ? this.#target(node) : node;
		const sources = isSeq(source) ? [...source.items].reverse() : [source];
		const all: Mapping = new Map();
		for (const one of sources) {
			const map = this.#value(one, depth + 1);
			if (!(map instanceof Map)) throw new NotAnInventory('<< takes a mapping, or a list of them');
			for (const [name, value] of map) all.set(name, value);
		}
		return all;
	}
}

const core = 'tag:yaml.org,2002:';

function knownTag(tag: string | undefined, known: string[]): void {
	if (tag !== undefined && !known.includes(tag)) throw new NotAnInventory(`has a tag that means nothing here: ${tag}`);
}

function scalar(text: string, isPlain: boolean, tag: string | undefined): Json {
	if (tag === '!vault' || tag === '!vault-encrypted') return { __ansible_vault: text };
	if (tag === '!unsafe') return { __ansible_unsafe: text };
	knownTag(
		tag,
		['str', 'int', 'float', 'bool', 'null', 'timestamp'].map((name) => core + name),
	);
	if (tag === `${core}str`) return text;
	return isPlain || tag !== undefined ? meaning(text) : text;
}

const number = (text: string) => Number(text.replaceAll('_', ''));
const sixties = (text: string) => {
	const sign = text.startsWith('-') ? -1 : 1;
	const parts = text.replace(/^[-+]/, '').split(':');
	return sign * parts.reduce((sum, part) => sum * 60 + number(part), 0);
};

/** What a plain scalar means in YAML 1.1, by the very patterns of PyYAML. */
function meaning(text: string): Json {
	if (/^(?:~|null|Null|NULL|)$/.test(text)) return null;
	if (/^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(text)) return true;
	if (/^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(text)) return false;
	if (/^[-+]?0(?:b[01_]*[01]|[0-7_]*[0-7]|x[0-9a-fA-F_]*[0-9a-fA-F])_*$/.test(text)) return based(text);
	if (/^[-+]?(?:0|[1-9][0-9_]*)$/.test(text)) return number(text);
	if (/^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/.test(text)) return sixties(text);
	if (/^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$/.test(text))
		return number(text);
	if (/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/.test(text)) return sixties(text);
	return instant(text);
}

function based(text: string): number {
	const sign = text.startsWith('-') ? -1 : 1;
	const digits = text.replace(/^[-+]/, '').replaceAll('_', '');
	if (digits.startsWith('0b')) return sign * parseInt(digits.slice(2), 2);
	if (digits.startsWith('0x')) return sign * parseInt(digits.slice(2), 16);
	return sign * parseInt(digits, 8);
}

/** A time of day on a date, as Python writes it; everything else is the text. */
function instant(text: string): string {
	const found =
		/^(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(Z|([-+])(\d\d?)(?::(\d\d))?))?$/.exec(
			text,
		);
	if (!found) return text;
	const [
		,
		year = '',
		month = '',
		day = '',
		hour = '',
		minute = '',
		second = '',
		fraction = '',
		zone,
		sign,
		h = '',
		m = '',
	] = found;
	const two = (part: string) => part.padStart(2, '0');
	const micros = fraction.slice(0, 6).padEnd(6, '0');
	const offset = zone === undefined ? '' : zone === 'Z' ? '+00:00' : `${sign ?? '+'}${two(h)}:${two(m)}`;
	return `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:${second}${/[1-9]/.test(micros) ? `.${micros}` : ''}${offset}`;
}
