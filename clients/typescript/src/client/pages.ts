// How is a list read page after page?

export async function* pages<Page extends { nextPageToken: string }>(
  fetchPage: (pageToken: string) => Promise<Page>,
): AsyncGenerator<Page, void, void> {
  let pageToken = '';
  do {
    const page = await fetchPage(pageToken);
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
}
