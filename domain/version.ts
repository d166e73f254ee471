/** Whether the first of two versions (`1.2.3…`) is older; what is no version is not. */
export function isBehind(version: string, than: string): boolean {
	const [mine, theirs] = [partsOf(version), partsOf(than)];
	if (!mine || !theirs) return false;
	const first = theirs.findIndex((part, i) => part !== mine[i]);
	return first !== -1 && (mine[first] ?? 0) < (theirs[first] ?? 0);
}

const partsOf = (version: string): number[] | null =>
	/^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? null;
