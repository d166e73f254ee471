import type { Exit, Output } from '../executors/contract.ts';
import type { Forms } from '../mask.ts';

/** A tool that follows its program: what it says while it runs, and what became of it. */
export interface Follower {
	/** What the program is given for its output. */
	watch(output: Output): Output;
	/** It is over: how it is told. */
	concluded(exit: Exit, output: Output, forms: Forms, now: number): Exit | Promise<Exit>;
}
