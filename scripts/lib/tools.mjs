// What every script that builds or tests begins with: a Node that will do, and the packages.
import { install, isInstalled, toolNode } from './install.mjs';
import { checkNode } from './settings.mjs';

/** Installs the packages where they are missing, and answers with the Node to run tools with. @param {string} root */
export async function prepareTools(root) {
	checkNode(process.versions.node);
	if (!isInstalled(root)) {
		console.log('Installing packages (once, about 30 s) …');
		await install(root);
	}
	return toolNode(root);
}
