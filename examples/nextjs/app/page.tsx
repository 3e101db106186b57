export default function Page() {
  return <p>Ask at /ask?q=a+question</p>;
}
