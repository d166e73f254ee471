// What people could type where a shell, a cluster, Ansible or Terraform would read more than text; and a script that tells what came of it.
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { SpecOf } from './specs.ts';

export class HostileValues {
	/** Whoever carries one of them out makes this file: on a host, or in a container's own /tmp. */
	readonly canary = path.join(os.tmpdir(), `uhub-canary-${randomUUID()}`);
	/** No more than a run may have parameters. */
	readonly all: readonly string[];

	constructor() {
		const touch = `touch ${this.canary}`;
		this.all = [
			...[
				`$(${touch})`,
				`\`${touch}\``,
				`; ${touch}`,
				`| ${touch}`,
				`&& ${touch} &`,
				`\n${touch}\n`,
				`\r\n${touch}\r\n`,
			],
			...[`"; ${touch}; "`, `'; ${touch}; '`, `"' ; ${touch} #`, `\\"; ${touch} #`, `> ${this.canary}`],
			...[
				'$HOME',
				'${HOME}',
				'$UHUB_RUN_ID',
				'~',
				'*',
				'/*',
				'!!',
				'%s%n',
				'a\\',
				'\\$(x)',
				'a=b c=d',
				' a  b ',
				'#',
				'',
			],
			// A cluster's own variables, whole, escaped and cut short.
			...['$(HOME)', '$(UHUB_RUN_ID)', '$$(HOME)', '$(NO_SUCH)', '$(HOME', '$', '$$', 'a$', '$($(HOME))'],
			...[`{{ lookup('pipe', '${touch}') }}`, '{% raw %}', '{{P0}}', '!unsafe x', '@/etc/hostname'],
			...['${file("/etc/hostname")}', '$${x}', '%{ if true }x%{ endif }', '["x"]', 'true'],
			...['\u00e9\u{1f600}\u202e\u200b', '\u001b]0;x\u0007', '\u0001\u007f', '\ufeffx'],
		];
	}

	get made(): boolean {
		return existsSync(this.canary);
	}

	/** Each as a parameter and as an argument; the names people give a run are hostile too. */
	get spec(): SpecOf {
		const [name = ''] = this.all;
		const parameters = Object.fromEntries(this.all.map((value, i) => [`P${String(i)}`, value]));
		return {
			parameters,
			arguments: Object.keys(parameters).map((p) => `{{${p}}}`),
			title: name,
			project: name,
			environment: name,
		};
	}

	/** A script that says what it was given, in one line that nothing can break. */
	get script(): string {
		const given = this.all.map((_, i) => `"$UHUB_PARAM_P${String(i)}"`).join(' ');
		const names = '"$UHUB_PROJECT" "$UHUB_ENVIRONMENT"';
		return `[ ! -e ${this.canary} ] || echo touched\nprintf '%s\\0' ${names} ${given} "$@" | base64 | tr -d '\\n'; echo\n`;
	}

	/** What that script has to say. */
	get told(): string {
		const [name = ''] = this.all;
		const all = [name, name, ...this.all, ...this.all].map((value) => `${value}\0`).join('');
		return `${Buffer.from(all).toString('base64')}\n`;
	}
}
