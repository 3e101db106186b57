/**
 * Prices of models, in the trace server's format.
 *
 * @module
 */

/**
 * Price of one model, in `prompt_token_cost_unit` (dollars by default) per token.
 *
 * @example
 * ```ts
 * import { type Cost, init } from "@weave-wal/client";
 *
 * await using client = await init("team/project", { disabled: true }); // `wal: true` in a program
 * const cost: Cost = { prompt_token_cost: 0.000001, completion_token_cost: 0.000002 };
 * client.costCreate({ "my-model": cost });
 * ```
 */
export interface Cost {
  /** Price of a prompt token, in `prompt_token_cost_unit`s (dollars). */
  prompt_token_cost: number;
  /** Price of a completion token, in `completion_token_cost_unit`s (dollars). */
  completion_token_cost: number;
  /** `"USD"` by default. */
  prompt_token_cost_unit?: string | null;
  /** `"USD"` by default. */
  completion_token_cost_unit?: string | null;
  /** Start date of the price; now by default. */
  effective_date?: string | null;
  /** Provider, such as `"openai"`; `"default"` by default. */
  provider_id?: string | null;
}
