// Terraform itself, where it is installed: its built-in terraform_data needs no provider from elsewhere. No registry
// of packages has it, so where it is missing tests say so, and a stand-in is in its place.
import { spawnSync } from 'node:child_process';

/** Why there is none; null: there is. */
export const noTerraform: string | null =
	spawnSync('terraform', ['version']).status === 0 ? null : 'terraform is not installed on this machine';
