/** Secrets of a run that its processes are not told of as files: the files that hold them, as the processes see them. */
export interface Handed {
	stdin: string | null;
	/** By the variable each is to be. */
	variables: ReadonlyMap<string, string>;
}

/**
 * Reads the files where the run's processes are, and becomes the command: so a secret is in no argument list, in no configuration of a
 * container, and not in the agent's journal. Its arguments: the file for the standard input or nothing, a variable and a file each, nothing,
 * and the command. A last line break is no part of a variable.
 */
const HAND_OVER = `uhub_input=$1
shift
while [ -n "$1" ]; do
uhub_value=$(cat "$2") || exit 126
export "$1=$uhub_value"
shift 2
done
shift
unset uhub_value
[ -z "$uhub_input" ] || exec "$@" < "$uhub_input"
exec "$@"`;

/** The command that is handed these secrets. */
export const handedOver = (
	argv: readonly [string, ...string[]],
	{ stdin, variables }: Handed,
): [string, ...string[]] =>
	stdin === null && variables.size === 0
		? [...argv]
		: ['/bin/sh', '-c', HAND_OVER, 'uhub', stdin ?? '', ...[...variables].flat(), '', ...argv];
