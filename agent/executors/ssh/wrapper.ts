import type { Command } from '../contract.ts';

/** A value as the shell of the other host reads it back: nothing in it means anything. */
export const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

/** What an account has of its own on the other host, and what lies on this one only. */
const NOT_SENT = new Set(['PATH', 'HOME', 'LANG', 'UHUB_SCRIPT_DIR']);

/**
 * What the other host's shell reads from its standard input to become one command: its variables, a line that says it begins and as which
 * process, and the command itself, leading a session of its own. It is whole in braces, so that it is read before any of it is done.
 */
export function wrapped(command: Command, cwd: string, begins: string): string {
	const variables = Object.entries(command.env).filter(([name]) => !NOT_SENT.has(name));
	return [
		'{',
		`cd ${quoted(cwd)} || exit 126`,
		...variables.map(([name, value]) => `export ${name}=${quoted(value)}`),
		`set -- ${command.argv.map(quoted).join(' ')}`,
		// OpenSSH gives each command a session; where another server does not, it takes one.
		'if read -r uhub uhub uhub uhub uhub uhub_session uhub < /proc/$$/stat && [ "$uhub_session" != $$ ]; then set -- setsid "$@"; fi 2> /dev/null',
		'unset uhub uhub_session OLDPWD',
		`echo ${quoted(begins)} $$`,
		'exec "$@" < /dev/null',
		'}',
		'',
	].join('\n');
}

/**
 * A command line for a login shell of any kind (sh, csh, fish): one word in quotes that holds nothing such a shell could read as its own.
 */
export function line(script: string): string {
	if (/['\\!\n]/.test(script)) throw new Error(`not for every shell: ${script}`);
	return `/bin/sh -c '${script}'`;
}
