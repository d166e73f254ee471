// What Debian's ansible-core says of each inventory here, kept beside it: `ansible-inventory --list` of all of it, and which hosts
// `ansible all --limit … --list-hosts` means by each of limits.json. Again by: node tests/support/inventories/regenerate.mjs
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
const write = (name, value) => writeFileSync(path.join(here, name), `${JSON.stringify(value, null, '\t')}\n`);

function ask(program, name, ...args) {
	return spawnSync(program, [...args, '-i', name], {
		cwd: here,
		encoding: 'utf8',
		env: {
			...process.env,
			// Each by its own plugin, or a mistake in one would be read as another.
			ANSIBLE_INVENTORY_ENABLED: name.endsWith('.ini') ? 'ini' : 'yaml',
			ANSIBLE_INVENTORY_UNPARSED_FAILED: 'true',
			ANSIBLE_NOCOLOR: 'true',
		},
	});
}

for (const name of readdirSync(here).filter((one) => /\.(ini|yml)$/.test(one))) {
	const list = JSON.parse(ask('ansible-inventory', name, '--list').stdout);
	// Newer ones say which of their own ways they printed it in.
	delete list._meta.profile;
	write(`${name}.json`, list);
}

/** The hosts in the order of their names: that of deep groups differs from one of its runs to the next. Null where it refuses. */
function hosts(name, limit) {
	const { status, stdout, stderr } = ask('ansible', name, 'all', '--limit', limit, '--list-hosts');
	if (status === 0)
		return stdout
			.trim()
			.split('\n')
			.slice(1)
			.map((line) => line.trim())
			.sort();
	if (stderr.replace(/\s+/g, ' ').includes('leaves us with no hosts to target')) return [];
	return null;
}

const limits = JSON.parse(readFileSync(path.join(here, 'limits.json'), 'utf8'));
write(
	'limits.hosts.json',
	Object.fromEntries(
		Object.entries(limits).map(([name, all]) => [
			name,
			Object.fromEntries(all.map((limit) => [limit, hosts(name, limit)])),
		]),
	),
);
