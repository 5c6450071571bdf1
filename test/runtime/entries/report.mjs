// A page's way to report: the next address carries the records. The server that answers there leads on
// to the next page. The address of that server comes with the page's own.

export async function report(run) {
  const { server, page } = Object.fromEntries(new URLSearchParams(location.search));
  let records;
  try {
    records = await run();
  } catch (error) {
    records = [{ name: "the page runs", ok: false, message: `${error?.stack ?? error}` }];
  }
  const query = new URLSearchParams({ page, records: JSON.stringify(records) });
  location.replace(`${server}/report?${query}`);
}
