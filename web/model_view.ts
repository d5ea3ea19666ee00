import { byId, element } from "./dom.ts";
import { readModel, saveModel, takeFiles } from "./files.ts";
import type { Models } from "./models.ts";
import { clearAlert, showAlert } from "./notice.ts";

/** The section `Current model`: the choice of a model, and files in and out. */
export class ModelView {
  readonly #select = byId("model-select", HTMLSelectElement);
  readonly #note = byId("model-note", HTMLParagraphElement);
  readonly #models: Models;

  constructor(models: Models) {
    this.#models = models;
    this.#select.onchange = () => models.take(this.#select.value);
    byId("save-file", HTMLButtonElement).onclick = () => saveModel(models.inHand);
    takeFiles(async (file) => {
      try {
        models.put(await readModel(file));
        models.take("file");
        clearAlert();
      } catch (error) {
        showAlert(error);
      }
    });
    models.onChange(() => this.#show());
    this.#show();
  }

  #show(): void {
    const { all, inHand } = this.#models;
    const options = [...this.#select.options];
    // existing options are kept: replacing them would close an open list at every update
    for (const { id, label } of all) {
      const option = options.find(({ value }) => value === id) ?? element("option", { value: id });
      if (!option.isConnected) this.#select.append(option);
      if (option.textContent !== label) option.textContent = label;
    }
    if (this.#select.value !== inHand.id) this.#select.value = inHand.id;
    this.#note.textContent = `${inHand.model} parameters, ${inHand.note}`;
  }
}
