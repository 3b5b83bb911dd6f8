// The endpoints as openapi.json describes them. FastAPI's own page would load its script from elsewhere.

const spec = await (await fetch("openapi.json")).json();
const byId = (id) => document.getElementById(id);

function element(name, text = "", attributes = {}) {
  const made = Object.assign(document.createElement(name), attributes);
  // `code` in descriptions; all else is text.
  text.split(/(`[^`]*`)/).forEach((part) => {
    if (part.startsWith("`") && part.length > 1) {
      made.append(Object.assign(document.createElement("code"), { textContent: part.slice(1, -1) }));
    } else made.append(part);
  });
  return made;
}

const resolved = (schema) => (schema?.$ref ? spec.components.schemas[schema.$ref.split("/").at(-1)] : schema);

function kind(schema) {
  if (schema.anyOf) return schema.anyOf.filter((one) => one.type !== "null").map(kind).join(" or ");
  if (schema.enum) return schema.enum.join(", ");
  if (schema.contentMediaType || schema.format === "binary") return "file";
  const limits = [schema.minimum !== undefined ? `from ${schema.minimum}` : "", schema.maximum !== undefined ? `to ${schema.maximum}` : ""];
  return [schema.const ?? schema.type ?? "", ...limits].filter(Boolean).join(" ");
}

function fields(operation) {
  const body = resolved(Object.values(operation.requestBody?.content ?? {})[0]?.schema);
  const found = (operation.parameters ?? []).map((one) => ({ name: one.name, schema: one.schema, isNeeded: one.required, text: one.description }));
  for (const [name, schema] of Object.entries(body?.properties ?? {})) {
    found.push({ name, schema, isNeeded: (body.required ?? []).includes(name), text: schema.description ?? "" });
  }
  return found;
}

byId("about").replaceWith(element("p", spec.info.description));
byId("example").textContent = `curl -F labels=@layout.png -F seed=3 ${location.origin}/api/synthesize -o photo.png`;
for (const [path, methods] of Object.entries(spec.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const id = operation.operationId, section = element("section", "", { id }), head = element("h2");
    head.append(element("span", method.toUpperCase(), { className: "method" }), element("code", path));
    section.append(head, element("p", operation.summary), element("p", operation.description ?? "", { className: "soft" }));
    const rows = fields(operation);
    if (rows.length) {
      const table = element("table"), top = element("tr");
      top.append(...["field", "value", ""].map((text) => element("th", text)));
      table.append(top);
      for (const { name, schema, isNeeded, text } of rows) {
        const row = element("tr"), value = kind(schema);
        const otherwise = schema.default !== undefined && schema.default !== null ? `; otherwise ${schema.default}` : "";
        row.append(element("td", `\`${name}\``), element("td", value + (isNeeded ? "; needed" : otherwise)), element("td", text ?? ""));
        table.append(row);
      }
      const box = element("div", "", { className: "box" });
      box.append(table);
      section.append(box);
    }
    const answers = Object.keys(operation.responses["200"]?.content ?? {}).join(", ");
    section.append(element("p", `Answers with ${answers}; errors with JSON, whose \`detail\` is a sentence.`));
    byId("endpoints").append(section);
    const item = element("li"), link = element("a", operation.summary, { href: `#${id}` });
    item.append(link);
    byId("list").append(item);
  }
}
document.documentElement.dataset.ready = "yes";
