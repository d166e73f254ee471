/** A part of a glob: any characters, or one that must be so. */
export type GlobPiece = 'any' | ((c: string) => boolean);

const anyCharacter = () => true;

/** Whether a text is what a glob stands for. Without a regular expression, which could be made to take for ever. */
export function globTest(pieces: readonly GlobPiece[]): (text: string) => boolean {
	return (text) => {
		const chars = Array.from(text);
		let at = 0;
		let piece = 0;
		let star = -1;
		let resume = 0;
		while (at < chars.length) {
			const wanted = pieces[piece];
			if (wanted === 'any') {
				star = piece++;
				resume = at;
			} else if (wanted?.(chars[at] ?? '')) {
				at++;
				piece++;
			} else if (star === -1) return false;
			else {
				piece = star + 1;
				at = ++resume;
			}
		}
		return pieces.slice(piece).every((left) => left === 'any');
	};
}

export const globPiece = (c: string): GlobPiece =>
	c === '*' ? 'any' : c === '?' ? anyCharacter : (other) => other === c;

/** A glob of `*` and `?`, and nothing else. */
export const wildcard = (glob: string): ((text: string) => boolean) => globTest(Array.from(glob, globPiece));
