// What `ansible-inventory --list` (Debian's ansible-core) prints of each inventory here, kept beside it: node tests/support/inventories/regenerate.mjs
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
for (const name of readdirSync(here).filter((one) => /\.(ini|yml)$/.test(one))) {
	const printed = execFileSync('ansible-inventory', ['-i', name, '--list'], {
		cwd: here,
		env: {
			...process.env,
			// Each by its own plugin, or a mistake in one would be read as another.
			ANSIBLE_INVENTORY_ENABLED: name.endsWith('.ini') ? 'ini' : 'yaml',
			ANSIBLE_INVENTORY_UNPARSED_FAILED: 'true',
		},
	});
	const list = JSON.parse(printed.toString());
	// Newer ones say which of their own ways they printed it in.
	delete list._meta.profile;
	writeFileSync(path.join(here, `${name}.json`), `${JSON.stringify(list, null, '\t')}\n`);
}
