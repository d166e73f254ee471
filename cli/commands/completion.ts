import { command } from '../command.ts';
import { usage } from '../failure.ts';

// Each asks `uhub complete` for what may come next. It answers with words of its own only, so nothing a hub says reaches a shell.
const scripts: Readonly<Record<string, string>> = {
	bash: `_uhub() {
	local IFS=$'\\n'
	COMPREPLY=($(compgen -W "$(uhub complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _uhub uhub`,
	zsh: `#compdef uhub
_uhub() {
	local -a found
	found=("\${(@f)$(uhub complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _uhub uhub`,
	fish: `complete -c uhub -a '(uhub complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
};

export const completion = command({
	name: 'completion',
	summary: 'a script that completes these commands: bash, zsh or fish',
	operands: ['SHELL'],
	options: {},
	run: ({ of }, { out }) => {
		const script = Object.hasOwn(scripts, of.SHELL) ? scripts[of.SHELL] : undefined;
		if (script === undefined) throw usage(`SHELL: expected ${Object.keys(scripts).join(', ')}, not "${of.SHELL}"`);
		out.show({ shell: of.SHELL, script }, () => script);
		return Promise.resolve(undefined);
	},
});
