// Server-sent events of POST /v1/images/generations: a browser's EventSource knows GET only.

/** The events of a request, each as the object in its data; an answer that is no stream throws its error's message. */
export async function* events(request, key, signal) {
  const headers = { "Content-Type": "application/json" };
  if (key) {
    headers.Authorization = `Bearer ${key}`;
  }
  const answer = await fetch("/v1/images/generations", {
    method: "POST", headers, signal, body: JSON.stringify({ ...request, stream: true }),
  });
  if (!answer.ok) {
    throw new Error((await answer.json()).error.message);
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    text += value;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const data = text.slice(0, end).split("\n").find(line => line.startsWith("data: "));
      text = text.slice(end + 2);
      if (data) {
        yield JSON.parse(data.slice(6));
      }
    }
  }
}

/** What the model is, and what it may be asked for. */
export async function model(key) {
  const answer = await fetch("/v1/models", key ? { headers: { Authorization: `Bearer ${key}` } } : {});
  if (answer.status === 401) {
    return null;
  }
  return (await answer.json()).data[0];
}
